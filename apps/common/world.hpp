// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdio>
#include <functional>
#include <string_view>

#include "insitu/internal/engine/control.hpp"

namespace insitu::apps {

// What signals have asked for. All of it may be changed by a signal handler.
struct Signals {
    StopFlag stop;
    std::atomic<int> stop_signal{0};          // SIGINT, SIGTERM or SIGHUP; 0: none
    std::atomic<bool> line_requested{false};  // SIGUSR1: a line of progress
};

// What a tool meets beside its arguments. A tool uses no other standard streams, and of the
// environment what it asks variable() for, so a test can run it within its own process. TMPDIR,
// PATH and what programs inherit that it starts are the process's in any case: what looks for
// temporary files and starts programs is below the tools. The streams and `signals` outlive it.
struct World {
    int input = -1;
    std::FILE* output = nullptr;
    int errors = -1;
    std::function<const char*(const char* name)> variable;  // null: not set
    Signals* signals = nullptr;

    int output_fd() const noexcept { return ::fileno(output); }
    // Writes to the errors, at once. What is closed or full does not end the work.
    void say(std::string_view text) const noexcept;
};

// The world of this process: its standard streams, environment and signals. Gives closed standard
// descriptors a meaning and installs the signal handlers; for main(), once.
World process_world();

}  // namespace insitu::apps
