// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/progress_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/sizes.hpp"

namespace insitu::apps {

namespace {

std::string clock_text(double seconds) {
    constexpr double longest = 999.0 * 3600;
    const auto whole = static_cast<std::uint64_t>(std::llround(std::min(seconds, longest)));
    if (whole >= 3600) {
        return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
    }
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string bar_text(double share, std::size_t cells) {
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(cells));
    return fmt::format("[{}{}]", std::string(filled, '#'), std::string(cells - filled, ' '));
}

}  // namespace

std::string progress_line(const ProgressState& state, std::size_t width) {
    const std::uint64_t total = state.total_bytes;
    const std::uint64_t done = total != 0 ? std::min(state.done_bytes, total) : state.done_bytes;
    const bool unknown = total == 0;
    const double share = unknown ? 0 : static_cast<double>(done) / static_cast<double>(total);
    std::string line = unknown ? human_bytes(done) : fmt::format("{:3.0f}%", 100 * share);
    const auto add = [&](const std::string& part) {
        if (line.size() + 2 + part.size() > width) return false;
        line += "  " + part;
        return true;
    };
    const std::size_t head = line.size();
    bool fits = unknown || add(fmt::format("{} of {}", human_bytes(done), human_bytes(total)));
    if (state.syncing && (unknown || done >= total)) {
        fits = fits && add("syncing");
    } else {
        fits = fits && add(human_bytes(static_cast<std::uint64_t>(state.bytes_per_second)) + "/s");
        if (fits && done < total && state.bytes_per_second > 0) {
            add(clock_text(static_cast<double>(total - done) / state.bytes_per_second) + " left");
        }
    }
    constexpr std::size_t frame = 4;  // brackets and two spaces
    constexpr std::size_t shortest_bar = 8;
    constexpr std::size_t longest_bar = 40;
    if (!unknown && fits && line.size() + frame + shortest_bar <= width) {
        const std::size_t cells = std::min(longest_bar, width - line.size() - frame);
        line.insert(head, "  " + bar_text(share, cells));
    }
    return line.size() <= width ? line : std::string();  // half a number would be a wrong one
}

}  // namespace insitu::apps
