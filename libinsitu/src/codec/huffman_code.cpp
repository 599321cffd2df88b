// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/huffman_code.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace insitu::huffman {

namespace {

constexpr unsigned most_bits = 15;
constexpr unsigned symbol_bits = 9;

using Weights = std::array<std::uint32_t, most_symbols>;

// Turns rising weights into the depths of their leaves, in place, as Moffat and Katajainen describe
// it (In-Place Calculation of Minimum-Redundancy Codes, 1995): first parents, then depths of inner
// nodes, then depths of leaves. Depths fall from the first to the last.
void weights_to_depths(std::span<std::uint32_t> a) noexcept {
    const auto n = static_cast<int>(a.size());
    const auto at = [&](int i) -> std::uint32_t& { return a[static_cast<std::size_t>(i)]; };
    at(0) += at(1);
    int root = 0;
    int leaf = 2;
    for (int next = 1; next < n - 1; ++next) {
        const auto take = [&] {
            if (leaf >= n || (root < next && at(root) < at(leaf))) {
                const std::uint32_t weight = at(root);
                at(root++) = static_cast<std::uint32_t>(next);
                return weight;
            }
            return at(leaf++);
        };
        const std::uint32_t first = take();
        at(next) = first + take();
    }
    at(n - 2) = 0;
    for (int next = n - 3; next >= 0; --next)
        at(next) = at(static_cast<int>(at(next))) + 1;
    int available = 1;
    int used = 0;
    std::uint32_t depth = 0;
    root = n - 2;
    for (int next = n - 1; available > 0; ++depth) {
        while (root >= 0 && at(root) == depth) {
            ++used;
            --root;
        }
        while (available > used) {
            at(next--) = depth;
            --available;
        }
        available = 2 * used;
        used = 0;
    }
}

// Shortens codes that are too long: their leaves go up, and leaves above go down to make room.
void limit_depths(std::array<unsigned, most_symbols + 1>& of_depth, unsigned deepest,
                  unsigned longest) noexcept {
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
void sort_by_count(std::span<std::uint32_t> order) noexcept {
    constexpr unsigned digit_bits = 8;
    constexpr unsigned digits = 1U << digit_bits;
    std::uint32_t all = 0;
    for (const std::uint32_t entry : order)
        all |= entry;
    Weights other;
    for (unsigned shift = symbol_bits; shift < 32 && all >> shift != 0; shift += digit_bits) {
        std::array<std::uint16_t, digits> starts{};
        for (const std::uint32_t entry : order)
            ++starts[entry >> shift & (digits - 1)];
        std::uint16_t start = 0;
        for (std::uint16_t& place : starts)
            start = static_cast<std::uint16_t>(start + std::exchange(place, start));
        for (const std::uint32_t entry : order)
            other[starts[entry >> shift & (digits - 1)]++] = entry;
        std::copy_n(other.begin(), order.size(), order.begin());
    }
}

}  // namespace

void make_lengths(std::span<const std::uint32_t> counts, unsigned longest,
                  std::span<std::uint8_t> lengths) noexcept {
    Weights order;
    unsigned used = 0;
    for (unsigned symbol = 0; symbol < counts.size(); ++symbol) {
        lengths[symbol] = 0;
        if (counts[symbol] != 0) order[used++] = counts[symbol] << symbol_bits | symbol;
    }
    if (used < 2) {
        const unsigned only = used == 0 ? 0 : order[0] & ((1U << symbol_bits) - 1);
        lengths[only] = 1;
        lengths[only == 0 ? 1 : 0] = 1;
        return;
    }
    sort_by_count(std::span(order).first(used));
    Weights depths;
    for (unsigned i = 0; i < used; ++i)
        depths[i] = order[i] >> symbol_bits;
    weights_to_depths(std::span(depths).first(used));
    std::array<unsigned, most_symbols + 1> of_depth{};
    for (unsigned i = 0; i < used; ++i)
        ++of_depth[depths[i]];
    if (depths[0] > longest) limit_depths(of_depth, depths[0], longest);
    unsigned depth = std::min<unsigned>(depths[0], longest);
    for (unsigned i = 0; i < used; ++i) {
        while (of_depth[depth] == 0)
            --depth;
        --of_depth[depth];
        lengths[order[i] & ((1U << symbol_bits) - 1)] = static_cast<std::uint8_t>(depth);
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
