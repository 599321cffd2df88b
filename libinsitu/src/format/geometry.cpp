// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/geometry.hpp"

namespace insitu {

namespace {

constexpr std::uint64_t bits_per_block = 32768;
constexpr std::uint64_t whole_group_blocks = bits_per_block + bits_per_entry;
constexpr std::uint64_t data_per_meta_block = bits_per_block / bits_per_entry;  // 6553
constexpr std::uint64_t address_limit_bytes = std::uint64_t{1} << 62;
constexpr std::uint64_t driver_wrap = std::uint64_t{1} << 32;

// The parts of docs/format.md §2.2 for a device of at least one block.
struct Split {
    std::uint64_t groups;     // q: 5 meta blocks and 32768 data blocks each
    std::uint64_t singles;    // s: 1 meta block and 6553 data blocks each
    std::uint64_t remainder;  // c: where 0, the driver's c - 1 wraps
};

Split split_device(std::uint64_t device_blocks) noexcept {
    const std::uint64_t n = device_blocks - 1;
    const std::uint64_t r = n % whole_group_blocks;
    return {n / whole_group_blocks, r / (data_per_meta_block + 1), r % (data_per_meta_block + 1)};
}

bool is_usable(std::uint64_t device_blocks) noexcept {
    return classify_device(device_blocks * block_bytes) == DeviceFit::usable;
}

}  // namespace

DeviceFit classify_device(std::uint64_t device_bytes) noexcept {
    if (device_bytes >= address_limit_bytes) return DeviceFit::too_large;
    const std::uint64_t blocks = device_bytes / block_bytes;
    if (blocks < 3) return DeviceFit::too_small;
    return split_device(blocks).remainder == 0 ? DeviceFit::driver_overflows : DeviceFit::usable;
}

BlockCounts counts_for_device(std::uint64_t device_bytes) noexcept {
    const std::uint64_t blocks = device_bytes / block_bytes;
    if (blocks == 0) return {};
    const Split split = split_device(blocks);
    const std::uint64_t meta = bits_per_entry * split.groups + split.singles + 1;
    // A device of one block has room for the super block alone.
    if (blocks < 1 + meta) return {meta, 0};
    return {meta, blocks - 1 - meta};
}

BlockCounts driver_counts_for_device(std::uint64_t device_bytes) noexcept {
    const std::uint64_t blocks = device_bytes / block_bytes;
    if (blocks == 0) return {};
    const Split split = split_device(blocks);
    const std::uint64_t wrapped = split.remainder == 0 ? driver_wrap : 0;
    return {bits_per_entry * split.groups + split.singles + 1,
            bits_per_block * split.groups + data_per_meta_block * split.singles + split.remainder +
                wrapped - 1};
}

std::uint64_t smallest_device_blocks(std::uint64_t data_blocks) noexcept {
    // The last count of each whole group needs c = 0, which the driver cannot use.
    const std::uint64_t count =
        data_blocks % bits_per_block == bits_per_block - 1 ? data_blocks + 1 : data_blocks;
    const std::uint64_t groups = count / bits_per_block;
    const std::uint64_t singles = count % bits_per_block / data_per_meta_block;
    return 1 + bits_per_entry * groups + singles + 1 + count;
}

NearestSizes nearest_usable_sizes(std::uint64_t device_bytes) noexcept {
    constexpr std::uint64_t smallest_blocks = 3;
    std::uint64_t below = device_bytes / block_bytes;
    const std::uint64_t highest = address_limit_bytes / block_bytes - 1;
    if (below > highest) below = highest;
    std::uint64_t above = below < smallest_blocks ? smallest_blocks : below + 1;
    // Unusable sizes never stand side by side, so each search takes one or two steps.
    while (!is_usable(above) && above < highest)
        ++above;
    if (below > smallest_blocks) --below;
    while (below > smallest_blocks && !is_usable(below))
        --below;
    if (device_bytes / block_bytes <= smallest_blocks) return {{}, above * block_bytes};
    return {below * block_bytes, above * block_bytes};
}

bool counts_addressable(BlockCounts counts) noexcept {
    constexpr std::uint64_t limit_blocks = address_limit_bytes / block_bytes;
    if (counts.data_blocks == 0 || counts.data_blocks >= limit_blocks) return false;
    if (counts.meta_blocks >= limit_blocks - counts.data_blocks - 1) return false;
    return counts.meta_blocks >= ceil_div(counts.data_blocks * bits_per_entry, bits_per_block);
}

}  // namespace insitu
