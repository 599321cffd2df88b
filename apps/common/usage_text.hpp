// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace insitu::apps {

// What is wrong with a command line, in the words and the order of the user who typed it: the
// parser's own words are for those who wrote the options.
std::string usage_text(const CLI::ParseError& error, const CLI::App& cli,
                       std::span<char* const> arguments);

}  // namespace insitu::apps
