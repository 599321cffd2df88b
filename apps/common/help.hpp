// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace insitu::apps {

// Prints --help: an option, its value, and what it does in lines of at most 80 columns.
class HelpFormatter final : public CLI::Formatter {
  public:
    std::string make_option(const CLI::Option* option, bool is_positional) const override;
    std::string make_option_usage(const CLI::Option* option) const override;
    std::string make_positionals(const CLI::App* app) const override;
    std::string make_footer(const CLI::App* app) const override;
};

}  // namespace insitu::apps
