// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace insitu::apps {

// How far work has come.
struct ProgressState {
    std::uint64_t done_bytes = 0;
    std::uint64_t total_bytes = 0;  // 0: unknown
    double seconds = 0;
    double bytes_per_second = 0;  // of the last seconds
    bool syncing = false;         // what remains is waiting for the medium
};

// One line of at most `width` columns, ASCII: share, bar, bytes, rate, time left. What has no room
// is left out, the least important first; at 4 columns the share alone is left,
// and below that nothing.
std::string progress_line(const ProgressState& state, std::size_t width);

}  // namespace insitu::apps
