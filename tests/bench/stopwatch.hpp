// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>

// The CPU seconds of this process so far.
inline double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Measures from its making on.
class Stopwatch {
  public:
    // `cpu-seconds wall-seconds peak-KiB`
    void print_row() const {
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - wall_start_;
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        fmt::print("{:.3f} {:.3f} {}\n", cpu_seconds() - cpu_start_, wall.count(), usage.ru_maxrss);
    }

  private:
    double cpu_start_ = cpu_seconds();
    std::chrono::steady_clock::time_point wall_start_ = std::chrono::steady_clock::now();
};
