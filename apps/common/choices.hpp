// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace insitu::apps {

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
        throw CLI::ValidationError(name, "'" + word + "' is none of " + known);
    };
    return cli.add_option_function<std::string>(name, take, text)->type_name(type);
}

}  // namespace insitu::apps
