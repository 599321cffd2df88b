// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace insitu::apps {

// What a word is told that is not one of `known`, which are separated by commas.
inline std::string not_one_of(const std::string& word, const std::string& known) {
    return fmt::format("'{}' is not one of {}", word, known);
}

// An option whose value is one of some words, in any case; another word is told which there are.
// `value` and the option live equally long.
template <class Value>
CLI::Option* add_choice(CLI::App& cli, const std::string& name, Value& value,
                        const std::string& text, const std::string& type,
                        std::vector<std::pair<std::string, Value>> choices) {
    const auto take = [name, &value, choices = std::move(choices)](const std::string& word) {
        std::string known;
        for (const auto& [choice, meaning] : choices) {
            if (CLI::detail::to_lower(choice) == CLI::detail::to_lower(word)) {
                value = meaning;
                return;
            }
            known += (known.empty() ? "" : ", ") + choice;
        }
        throw CLI::ValidationError(name, not_one_of(word, known));
    };
    return cli.add_option_function<std::string>(name, take, text)->type_name(type);
}

// For an option whose value stays the word that it is.
inline CLI::Validator one_of(const std::vector<std::string>& words) {
    return CLI::Validator(
        [words](const std::string& word) {
            std::string known;
            for (const std::string& one : words) {
                if (one == word) return std::string();
                known += (known.empty() ? "" : ", ") + one;
            }
            return not_one_of(word, known);
        },
        {}, {});
}

// A whole number. CLI::Range() would name neither what was typed nor that a number is meant.
inline CLI::Validator number_from(std::uint64_t least, std::uint64_t most) {
    return CLI::Validator(
        [least, most](const std::string& text) {
            std::uint64_t value = 0;
            const char* const end = text.data() + text.size();
            const auto [rest, status] = std::from_chars(text.data(), end, value);
            if (status == std::errc{} && rest == end && value >= least && value <= most) {
                return std::string();
            }
            return fmt::format("'{}' is not a number from {} to {}", text, least, most);
        },
        {}, {});
}

// The type of an option whose value may be empty: '' is no label.
inline constexpr const char* label_type = "LABEL";

// What "-" is told where nothing is read from standard input or written to standard output.
inline constexpr const char* no_stream_text =
    "- is no stream here: name a file, or ./- for a file of that name";

// The name of a file or device that cannot be a stream. A file "-" would be made, or read, that
// nobody meant, and a report would go down the pipe in place of the data.
inline CLI::Validator file_name() {
    return CLI::Validator(
        [](const std::string& name) { return std::string(name == "-" ? no_stream_text : ""); }, {},
        {});
}

}  // namespace insitu::apps
