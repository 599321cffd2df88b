// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/huffman_code.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace insitu::huffman {

namespace {

constexpr unsigned most_bits = 15;
constexpr unsigned symbol_bits = 9;

using Weights = std::array<std::uint32_t, most_symbols>;

using OfDepth = std::array<unsigned, most_symbols + 1>;

// How many leaves are at each depth of the least tree over rising counts; returns the deepest.
//
// The lightest two of what is left, leaves and trees made before, are joined again and again. Both
// rows rise, so only their first ones are compared; which is lighter cannot be foreseen, so nothing
// branches on it.
unsigned count_depths(std::span<const std::uint32_t> order, OfDepth& of_depth) noexcept {
    constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    const std::size_t joins = order.size() - 1;
    std::array<std::uint32_t, most_symbols + 1> leaves;
    for (std::size_t i = 0; i < order.size(); ++i)
        leaves[i] = order[i] >> symbol_bits;
    leaves[order.size()] = none;
    std::array<std::uint32_t, most_symbols + 1> trees;
    std::fill_n(trees.begin(), order.size(), none);
    std::array<std::uint16_t, most_symbols + 1> parents;
    std::array<std::uint8_t, most_symbols> leaves_of;
    std::size_t leaf = 0;
    std::size_t tree = 0;
    for (std::size_t join = 0; join < joins; ++join) {
        std::uint32_t sum = 0;
        unsigned taken_leaves = 0;
        for (unsigned side = 0; side < 2; ++side) {
            const bool is_tree = trees[tree] < leaves[leaf];
            sum += std::min(trees[tree], leaves[leaf]);
            // Of a tree that is not taken now, this is written again.
            parents[tree] = static_cast<std::uint16_t>(join);
            tree += is_tree ? 1 : 0;
            leaf += is_tree ? 0 : 1;
            taken_leaves += is_tree ? 0 : 1;
        }
        trees[join] = sum;
        leaves_of[join] = static_cast<std::uint8_t>(taken_leaves);
    }
    std::array<std::uint16_t, most_symbols> depths;
    depths[joins - 1] = 1;  // of what hangs from the root
    of_depth[1] += leaves_of[joins - 1];
    unsigned deepest = 1;
    for (std::size_t join = joins - 1; join-- > 0;) {
        const auto depth = static_cast<std::uint16_t>(depths[parents[join]] + 1);
        depths[join] = depth;
        of_depth[depth] += leaves_of[join];
        deepest = depth;
    }
    return deepest;
}

// Shortens codes that are too long: their leaves go up, and leaves above go down to make room.
void limit_depths(OfDepth& of_depth, unsigned deepest, unsigned longest) noexcept {
    for (unsigned depth = longest + 1; depth <= deepest; ++depth) {
        of_depth[longest] += of_depth[depth];
        of_depth[depth] = 0;
    }
    // The share of the code space that is taken, in units of the deepest level.
    std::uint64_t taken = 0;
    for (unsigned depth = 1; depth <= longest; ++depth)
        taken += std::uint64_t{of_depth[depth]} << (longest - depth);
    for (; taken > std::uint64_t{1} << longest; --taken) {
        // One leaf at the deepest level that still has one above it goes down, beside another
        // which comes up from the last level.
        unsigned depth = longest - 1;
        while (of_depth[depth] == 0)
            --depth;
        --of_depth[depth];
        of_depth[depth + 1] += 2;
        --of_depth[longest];
    }
}

// Sorts by count, the lower symbol first: by 8 bits of it at a time, for these are few short rows.
// The rows change places; returns the sorted one.
std::span<const std::uint32_t> sort_by_count(std::span<std::uint32_t> order,
                                             std::span<std::uint32_t> other) noexcept {
    constexpr unsigned digit_bits = 8;
    constexpr unsigned digits = 1U << digit_bits;
    std::uint32_t all = 0;
    for (const std::uint32_t entry : order)
        all |= entry;
    for (unsigned shift = symbol_bits; shift < 32 && all >> shift != 0; shift += digit_bits) {
        std::array<std::uint16_t, digits> starts{};
        for (const std::uint32_t entry : order)
            ++starts[entry >> shift & (digits - 1)];
        std::uint16_t start = 0;
        for (std::uint16_t& place : starts)
            start = static_cast<std::uint16_t>(start + std::exchange(place, start));
        for (const std::uint32_t entry : order)
            other[starts[entry >> shift & (digits - 1)]++] = entry;
        std::swap(order, other);
    }
    return order;
}

}  // namespace

void make_lengths(std::span<const std::uint32_t> counts, unsigned longest,
                  std::span<std::uint8_t> lengths) noexcept {
    constexpr unsigned symbol_mask = (1U << symbol_bits) - 1;
    Weights entries;
    unsigned used = 0;
    for (unsigned symbol = 0; symbol < counts.size(); ++symbol) {
        entries[used] = counts[symbol] << symbol_bits | symbol;
        used += counts[symbol] != 0 ? 1 : 0;
    }
    std::fill_n(lengths.begin(), counts.size(), std::uint8_t{0});
    if (used < 2) {
        const unsigned only = used == 0 ? 0 : entries[0] & symbol_mask;
        lengths[only] = 1;
        lengths[only == 0 ? 1 : 0] = 1;
        return;
    }
    Weights room;
    const auto order = sort_by_count(std::span(entries).first(used), std::span(room).first(used));
    OfDepth of_depth{};
    unsigned depth = count_depths(order, of_depth);
    if (depth > longest) {
        limit_depths(of_depth, depth, longest);
        depth = longest;
    }
    for (auto entry = order.begin(); entry != order.end(); --depth) {
        for (unsigned left = of_depth[depth]; left > 0; --left)
            lengths[*entry++ & symbol_mask] = static_cast<std::uint8_t>(depth);
    }
}

void make_codes(std::span<const std::uint8_t> lengths, std::span<std::uint16_t> codes) noexcept {
    std::array<unsigned, most_bits + 1> next{};
    for (const std::uint8_t length : lengths)
        ++next[length];
    next[0] = 0;
    unsigned code = 0;
    for (unsigned length = 1; length <= most_bits; ++length) {
        const unsigned count = next[length];
        next[length] = code;
        code = (code + count) << 1;
    }
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
        const unsigned length = lengths[symbol];
        if (length == 0) continue;
        unsigned bits = next[length]++;
        // Reversed: the first bit of a code is its highest, and deflate sends it first.
        bits = (bits & 0x5555) << 1 | (bits >> 1 & 0x5555);
        bits = (bits & 0x3333) << 2 | (bits >> 2 & 0x3333);
        bits = (bits & 0x0f0f) << 4 | (bits >> 4 & 0x0f0f);
        bits = (bits & 0x00ff) << 8 | (bits >> 8 & 0x00ff);
        codes[symbol] = static_cast<std::uint16_t>(bits >> (16 - length));
    }
}

}  // namespace insitu::huffman
