// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "insitu/units.hpp"

namespace insitu::deflate {

// A place in the input that has the same bytes earlier.
struct Match {
    std::uint16_t length;
    std::uint16_t distance;
};

// Finds, for each place of an extent, the matches that are worth looking at: the nearest one, and
// each farther one that is longer than all nearer ones. Distances up to 2 KiB.
// Not thread-safe: one a thread, 2 MiB.
class MatchLists {
  public:
    struct Options {
        unsigned depth;             // earlier places that are looked at
        std::uint32_t long_enough;  // a match of this length ends the search
    };

    explicit MatchLists(Options options);

    // Finds the matches of every place of `input`, at most a window.
    void find(ByteView input) noexcept;

    // Rising lengths and distances.
    std::span<const Match> at(std::uint32_t position) const noexcept {
        return std::span(matches_).subspan(starts_[position],
                                           starts_[position + 1] - starts_[position]);
    }

  private:
    static constexpr std::uint32_t reach = 2048;
    static constexpr unsigned bits_of_4 = 13;
    static constexpr unsigned bits_of_3 = 12;
    static constexpr std::size_t most_of_place = 8;

    void find_at(std::uint32_t at) noexcept;
    void insert(std::uint32_t at, std::uint64_t word) noexcept;

    Options options_;
    const unsigned char* input_ = nullptr;
    std::uint32_t input_bytes_ = 0;
    std::uint32_t count_ = 0;
    std::array<std::uint16_t, 1U << bits_of_4> newest_of_4_{};
    std::array<std::uint16_t, 1U << bits_of_3> newest_of_3_{};
    std::array<std::uint16_t, reach> before_{};  // the place before with the same hash of 4 bytes
    std::vector<std::uint32_t> starts_;          // of a place's list, and the end of the last
    std::vector<Match> matches_;
};

}  // namespace insitu::deflate
