#pragma once

#include <string>
#include <vector>

#include "insitu/engine/control.hpp"

namespace insitu::apps {

// A program to run: no shell comes near it.
struct Command {
    std::vector<std::string> arguments;    // the first one names the program
    std::vector<std::string> environment;  // "NAME=value", beside or instead of the tool's own
    int standard_input = -1;               // -1: nothing to read
};

struct CommandResult {
    int status = 0;      // exit status; 128 and the number of the signal that ended it
    std::string output;  // of both stdout and stderr
    bool done() const noexcept { return status == 0; }
};

// Where a program lies: in PATH, or in the directories for administrators. Empty: nowhere.
std::string find_program(const std::string& name);

// Runs a program to its end; a requested stop ends it and throws a `cancelled` Error. Throws an
// `io` Error where it cannot be started.
CommandResult run_command(const Command& command, const StopFlag* stop);

// Runs a program that must succeed; its own words become a `refused` Error otherwise.
std::string run_or_throw(const Command& command, const StopFlag* stop);

}  // namespace insitu::apps
