// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/usage_text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

namespace insitu::apps {

namespace {

bool is_typed(std::string_view argument, const std::string& name) {
    const bool is_short = name.size() == 1;
    const std::string option = (is_short ? "-" : "--") + name;
    if (argument == option) return true;
    return is_short ? argument.starts_with(option) && !argument.starts_with("--")
                    : argument.starts_with(option + "=");
}

// The name of the option at the start of a message, as it was typed: -j and not --threads.
std::string typed_name(const std::string& name, const CLI::App& cli,
                       std::span<char* const> arguments) {
    for (const CLI::Option* option : cli.get_options()) {
        if (option->get_name() != name) continue;
        for (const char* const argument : arguments) {
            for (const std::string& short_name : option->get_snames()) {
                if (is_typed(argument, short_name)) return "-" + short_name;
            }
            for (const std::string& long_name : option->get_lnames()) {
                if (is_typed(argument, long_name)) return "--" + long_name;
            }
        }
    }
    return name;
}

bool is_typed_more_than_once(const std::string& name, const CLI::App& cli,
                             std::span<char* const> arguments) {
    std::ptrdiff_t times = 0;
    for (const CLI::Option* option : cli.get_options()) {
        if (option->get_name() != name) continue;
        for (const auto& names : {option->get_snames(), option->get_lnames()}) {
            for (const std::string& one : names) {
                times +=
                    std::count_if(arguments.begin(), arguments.end(),
                                  [&](const char* argument) { return is_typed(argument, one); });
            }
        }
    }
    return times > 1;
}

// What nothing was done with, in the order in which it was typed.
std::string extra_arguments(const CLI::App& cli, std::span<char* const> arguments) {
    std::vector<std::string> extras = cli.remaining(true);
    std::string text;
    for (const char* const argument : arguments) {
        const auto found = std::find(extras.begin(), extras.end(), argument);
        if (found == extras.end()) continue;
        extras.erase(found);
        text += (text.empty() ? "" : " ") + std::string(argument);
    }
    return text;
}

bool is_option(const std::string& text) {
    return text.size() > 1 && text.starts_with('-');
}

}  // namespace

std::string usage_text(const CLI::ParseError& error, const CLI::App& cli,
                       std::span<char* const> arguments) {
    const bool is_missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    const bool is_extra = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
    const std::string extras = extra_arguments(cli, arguments);
    // An option that is not known is why the argument after it is missing, not the other way round.
    if (is_extra || (is_missing && is_option(extras))) {
        return (is_option(extras) ? "unknown option: " : "unexpected argument: ") + extras;
    }
    std::string message = error.what();
    const std::size_t colon = message.find(':');
    if (colon == std::string::npos) return message;
    const std::string option = message.substr(0, colon);
    const std::string name = typed_name(option, cli, arguments);
    const std::string rest = CLI::detail::trim_copy(message.substr(colon + 1));
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        return name + (is_typed_more_than_once(option, cli, arguments) ? " is given more than once"
                                                                       : " needs a value");
    }
    if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
        return "not a value for its option: " + rest;
    }
    return name + ": " + rest;
}

}  // namespace insitu::apps
