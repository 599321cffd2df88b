// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

namespace insitu {

// The two counts of a super block.
struct BlockCounts {
    std::uint64_t meta_blocks = 0;
    std::uint64_t data_blocks = 0;
    friend constexpr bool operator==(BlockCounts, BlockCounts) = default;
};

// What the driver makes of a device of this many bytes (docs/format.md §2.2).
enum class DeviceFit {
    usable,
    too_small,         // fewer than 3 blocks: no data block is left
    driver_overflows,  // the driver's 32-bit arithmetic wraps: it cannot open the device
    too_large,         // 2^62 bytes and more: beyond what the tools address
};

INSITU_API DeviceFit classify_device(std::uint64_t device_bytes) noexcept;

// The counts that follow from a device's size, without the driver's overflow. A device of no block
// at all gives zeros.
INSITU_API BlockCounts counts_for_device(std::uint64_t device_bytes) noexcept;

// The counts that the driver itself would write: like counts_for_device(), but wrapped where
// classify_device() says driver_overflows.
INSITU_API BlockCounts driver_counts_for_device(std::uint64_t device_bytes) noexcept;

// The smallest usable device, in blocks, that has at least `data_blocks` data blocks. It has
// exactly as many, except where data_blocks mod 32768 = 32767: no usable device has such a count,
// and the result has one data block more. Precondition: data_blocks in [1, 2^49].
INSITU_API std::uint64_t smallest_device_blocks(std::uint64_t data_blocks) noexcept;

struct NearestSizes {
    std::optional<std::uint64_t> below_bytes;  // none for a device that is too small
    std::uint64_t above_bytes = 0;
};

// The usable sizes next to `device_bytes` (which itself need not be unusable), whole blocks.
INSITU_API NearestSizes nearest_usable_sizes(std::uint64_t device_bytes) noexcept;

// The positions of everything in an image with the given counts. A value; every position in the
// library is computed here and nowhere else. Precondition of the constructor: the counts pass
// counts_addressable().
class INSITU_API Geometry {
  public:
    explicit Geometry(BlockCounts counts) noexcept : counts_(counts) {}

    std::uint64_t meta_blocks() const noexcept { return counts_.meta_blocks; }
    std::uint64_t data_blocks() const noexcept { return counts_.data_blocks; }
    BlockCounts counts() const noexcept { return counts_; }

    std::uint64_t device_blocks() const noexcept {
        return 1 + counts_.meta_blocks + counts_.data_blocks;
    }
    std::uint64_t device_bytes() const noexcept { return device_blocks() * block_bytes; }
    std::uint64_t logical_bytes() const noexcept { return counts_.data_blocks * block_bytes; }

    std::uint64_t meta_at_byte() const noexcept { return block_bytes; }
    // All meta blocks, the spare one (if any) included.
    std::uint64_t meta_bytes() const noexcept { return counts_.meta_blocks * block_bytes; }
    std::uint64_t data_at_byte() const noexcept { return (1 + counts_.meta_blocks) * block_bytes; }
    // Where the space of a logical block starts on the device.
    std::uint64_t block_at_byte(BlockIndex block) const noexcept {
        return data_at_byte() + block.value * block_bytes;
    }

    std::uint64_t window_count() const noexcept {
        return ceil_div(counts_.data_blocks, window_blocks);
    }
    // 32, or less for the last window.
    unsigned blocks_in_window(WindowIndex window) const noexcept {
        const std::uint64_t rest = counts_.data_blocks - first_block_of(window).value;
        return rest < window_blocks ? static_cast<unsigned>(rest) : window_blocks;
    }
    std::uint64_t window_meta_at_byte(WindowIndex window) const noexcept {
        return meta_at_byte() + window.value * window_meta_bytes;
    }
    // The byte that holds the first bit of a block's entry.
    std::uint64_t entry_at_byte(BlockIndex block) const noexcept {
        constexpr unsigned bits_per_byte = 8;
        return meta_at_byte() + block.value * bits_per_entry / bits_per_byte;
    }

  private:
    BlockCounts counts_;
};

// True where a geometry of these counts has at least one data block, has meta for every data
// block, and no position in it overflows 2^62 bytes.
INSITU_API bool counts_addressable(BlockCounts counts) noexcept;

}  // namespace insitu
