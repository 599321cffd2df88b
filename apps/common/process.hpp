// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/world.hpp"
#include "insitu/internal/engine/control.hpp"

namespace insitu::apps {

// A program to run: no shell comes near it. It speaks English, has no terminal and no variables of
// the user's but the few that it needs to be found and to find its libraries.
struct Command {
    std::vector<std::string> arguments;         // the first one names the program
    std::vector<std::string> environment = {};  // "NAME=value", beside these
    int standard_input = -1;                    // -1: nothing to read
    std::string directory = {};                 // where it works; empty: where the tool does
    std::string shown_name = {};                // its argv[0]; empty: the program's name
};

struct CommandResult {
    int status = 0;      // exit status; 128 and the number of the signal that ended it
    std::string output;  // of both stdout and stderr
    bool done() const noexcept { return status == 0; }
};

// Where a program lies: in PATH, or in the directories for administrators. Empty: nowhere.
std::string find_program(const std::string& name);

// Runs a program to its end, in a session of its own. A requested stop is passed on at once to
// all that it started, with SIGKILL after five seconds, and throws a `cancelled` Error. Throws an
// `io` Error if it cannot be started. One at a time.
CommandResult run_command(const Command& command, const StopFlag* stop);

// The same with the streams and signals of the tool's world, and all variables of the process: for
// the tool itself under another program. Returns its status.
int run_in_place(const Command& command, const World& world);

// Where a program that is started reads from and writes to.
struct Streams {
    int output = -1;
    int errors = -1;
};

// Starts a program and returns its process. It goes on when the tool has ended, unless wait_for()
// or stop_process() ends it. Throws an `io` Error if it cannot be started.
pid_t start_process(const Command& command, const Streams& streams);
// Waits for its end and returns its status, as CommandResult has it. A requested stop is passed on
// as by run_command(), and throws a `cancelled` Error.
int wait_for(pid_t process, const StopFlag* stop);
// Ends it and all that it started: SIGTERM, with SIGKILL after five seconds.
void stop_process(pid_t process);

// Whether this process runs under fakeroot(1), which makes it believe that it is root.
bool below_fakeroot() noexcept;

// Sends a signal to all that run_command() has started and that still runs. Async-signal-safe.
void signal_children(int number) noexcept;

}  // namespace insitu::apps
