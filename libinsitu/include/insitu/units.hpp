// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

// The units of the format (docs/format.md §1). Counts and offsets are plain integers whose names
// end in their unit; positions of the logical device have types of their own.
namespace insitu {

using ByteView = std::span<const std::byte>;
using ByteSpan = std::span<std::byte>;

inline constexpr std::uint64_t sector_bytes = 512;
inline constexpr std::uint64_t block_bytes = 4096;
inline constexpr unsigned sectors_per_block = 8;
inline constexpr unsigned window_blocks = 32;
inline constexpr std::uint64_t window_bytes = window_blocks * block_bytes;
inline constexpr unsigned bits_per_entry = 5;  // of meta, a block
inline constexpr std::size_t window_meta_bytes = 20;
inline constexpr std::uint64_t group_windows = 1024;
inline constexpr std::uint64_t group_bytes = group_windows * window_bytes;
inline constexpr std::size_t group_meta_bytes = group_windows * window_meta_bytes;

static_assert(group_meta_bytes == 5 * block_bytes, "a group's meta is whole meta blocks");

// A block of the logical device, counted from 0.
struct BlockIndex {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(BlockIndex, BlockIndex) = default;
    friend constexpr BlockIndex operator+(BlockIndex block, std::uint64_t count) {
        return {block.value + count};
    }
};

// A window: the logical blocks [32 * value, 32 * value + 32).
struct WindowIndex {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(WindowIndex, WindowIndex) = default;
    friend constexpr WindowIndex operator+(WindowIndex window, std::uint64_t count) {
        return {window.value + count};
    }
};

constexpr WindowIndex window_of(BlockIndex block) {
    return {block.value / window_blocks};
}

constexpr BlockIndex first_block_of(WindowIndex window) {
    return {window.value * window_blocks};
}

// `count` things in units of `unit`, the last unit maybe not full.
constexpr std::uint64_t ceil_div(std::uint64_t count, std::uint64_t unit) {
    return count / unit + (count % unit != 0 ? 1 : 0);
}

// Windows that one worker takes at a time: reads of 1 MiB were the fastest.
inline constexpr unsigned batch_windows = 8;
inline constexpr std::uint64_t batch_bytes = batch_windows * window_bytes;

}  // namespace insitu
