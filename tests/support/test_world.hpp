// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/world.hpp"

namespace insitu::test {

// What a tool left behind.
struct Outcome {
    int status = -1;
    std::string output;
    std::string errors;
};

// A world of files and values: nothing of the process's own streams, environment and signals.
class TestWorld {
  public:
    using Run = int (*)(apps::World, int, char**);

    std::string input;                             // what "-" reads
    std::map<std::string, std::string> variables;  // the environment
    apps::Signals signals;
    bool output_is_full = false;
    std::string called_as = "tool";  // argv[0]

    // Runs a tool with these arguments, its name not among them.
    Outcome run(Run tool, std::vector<std::string> arguments);
};

}  // namespace insitu::test
