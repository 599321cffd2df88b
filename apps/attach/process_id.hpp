// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace insitu::apps {

// A process by number and start, which no later one has.
struct ProcessId {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;  // since the machine was started
    bool operator==(const ProcessId&) const = default;
};

// The process that has the number now; a pid of 0 if there is none. Throws a `refused` Error if
// /proc is not mounted, as do those below.
ProcessId identify(pid_t pid);
// The one that a pid file names.
ProcessId identify(const std::string& pid_file);
// Whether it runs and belongs to this user, or to anybody for root.
bool is_running(const ProcessId& process);
// Sends a signal to it and to nobody else. False: it is gone, or not ours.
bool send_signal(const ProcessId& process, int number);
// False: it still runs after that time.
bool wait_for_end(const ProcessId& process, std::chrono::milliseconds patience);

}  // namespace insitu::apps
