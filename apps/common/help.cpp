// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/help.hpp"

#include <CLI/CLI.hpp>
#include <sstream>

namespace insitu::apps {

namespace {

constexpr std::size_t text_column = 26;
constexpr std::size_t line_columns = 80;

std::string names_of(const CLI::Option* option) {
    std::string names;
    for (const std::string& name : option->get_snames())
        names += (names.empty() ? "" : ", ") + std::string("-") + name;
    for (const std::string& name : option->get_lnames())
        names += (names.empty() ? "    " : ", ") + std::string("--") + name;
    return names;
}

// The name of the value, without what checks it.
std::string value_of(const CLI::Option* option) {
    const std::string name = option->get_type_name();
    return name.substr(0, name.find(':'));
}

// Words from `column` on, wrapped, later lines indented.
std::string wrapped(const std::string& text, std::size_t column) {
    std::istringstream words(text);
    std::string result;
    std::size_t at = column;
    for (std::string word; words >> word;) {
        if (at > text_column && at + 1 + word.size() > line_columns) {
            result += "\n" + std::string(text_column, ' ');
            at = text_column;
        } else if (at > text_column) {
            result += ' ';
            ++at;
        }
        result += word;
        at += word.size();
    }
    return result;
}

}  // namespace

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
    std::string left = "  " + (is_positional ? option->get_name(true) : names_of(option));
    if (!is_positional && option->get_type_size() != 0) left += " " + value_of(option);
    if (left.size() + 2 > text_column) {
        left += "\n" + std::string(text_column, ' ');
    } else {
        left.resize(text_column, ' ');
    }
    return left + wrapped(option->get_description(), text_column) + "\n";
}

// Without a number of values, which CLI11 would print as "IMAGE(1x)".
std::string HelpFormatter::make_option_usage(const CLI::Option* option) const {
    const std::string name = option->get_name(true);
    return option->get_required() ? name : "[" + name + "]";
}

std::string HelpFormatter::make_positionals(const CLI::App* app) const {
    std::string text;
    for (const CLI::Option* option :
         app->get_options([](const CLI::Option* one) { return one->get_positional(); })) {
        text += make_option(option, true);
    }
    return text.empty() ? text : "\nArguments:\n" + text;
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
    return app->get_footer().empty() ? "" : app->get_footer() + "\n";
}

}  // namespace insitu::apps
