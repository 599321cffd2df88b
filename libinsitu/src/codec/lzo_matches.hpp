// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "insitu/units.hpp"

namespace insitu::lzo {

// What a place in the input has in common with earlier ones: for each class of distance that a
// token tells apart (up to 2 KiB, 16 KiB, 48 KiB) the longest match of it, and the two short
// matches that have a token after literals. A length of 0, a distance of 0: none.
struct Candidates {
    static constexpr unsigned classes = 3;

    std::array<std::uint16_t, classes> lengths{};
    std::array<std::uint16_t, classes> distances{};
    std::uint16_t pair_distance = 0;    // of 2 bytes, up to 1 KiB: M1 after 1 to 3 literals
    std::uint16_t triple_distance = 0;  // of 3 bytes, 2049 to 3072: M1 after more

    std::uint32_t longest() const noexcept;
};

// How hard to search.
struct Search {
    unsigned depth;             // earlier places that are looked at
    std::uint32_t long_enough;  // a match of this length ends the search
    std::uint32_t good;         // in a match with so many bytes left,
    unsigned depth_inside;      // so many places are looked at
};

// Finds candidates for rising places of a run.
//
// All places are sorted by the hash of their four bytes, the order among equal ones kept. So the
// earlier places with the same bytes stand side by side, and each entry holds, with its position,
// three bytes more: most are told from a match without a look at the input. An entry is
//
//   bits 0 ..   the hash but for the bits that chose the bucket, so that equal means equal bytes
//   24 bits     the three bytes behind the four
//   bit 46 ..   the position
//   bit 63      the first entry of its bucket
//
// Not thread-safe: one a thread, 1.8 MiB.
class MatchFinder {
  public:
    explicit MatchFinder(const Search& search);

    // Sorts the places of `run`, at most a window.
    void start(ByteView run) noexcept;
    // The candidates of a place, all places before it having been asked for. `before` are those of
    // the place before it, whose matches go on, or nullptr.
    Candidates find(std::uint32_t at, const Candidates* before) noexcept;

    // Places so near the end of the input have no candidates.
    static constexpr std::uint32_t margin_bytes = 24;
    // No candidate is longer: a node of a parse has room for so much.
    static constexpr std::uint32_t longest_match = 16383;

  private:
    static constexpr unsigned most_bucket_bits = 16;
    static constexpr unsigned position_bit = 46;
    static constexpr unsigned bits_of_pairs = 12;
    static constexpr unsigned bits_of_triples = 13;

    void sort() noexcept;
    void find_short(std::uint32_t at, Candidates& found) noexcept;
    void search(std::uint32_t at, std::uint32_t least, unsigned depth, Candidates& found) noexcept;

    Search search_;
    const unsigned char* input_ = nullptr;
    std::uint32_t input_bytes_ = 0;
    unsigned rest_bits_ = 0;  // of a hash, without those of the bucket
    std::array<std::uint16_t, 1U << bits_of_pairs> pairs_{};
    std::array<std::uint16_t, 1U << bits_of_triples> triples_{};
    std::vector<std::uint64_t> entries_;
    std::vector<std::uint32_t> ranks_;  // of each place, its entry
    std::vector<std::uint32_t> buckets_;
};

}  // namespace insitu::lzo
