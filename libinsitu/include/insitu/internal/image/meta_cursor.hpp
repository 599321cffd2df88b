// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

// The longest extent that the tools read. The driver writes 32 blocks at most, its target was seen
// to read 300; a run of 8192 tails makes it loop for ever.
inline constexpr unsigned longest_read_blocks = 1024;

enum class ExtentFault {
    none,
    bad_share,        // a share of 9..15
    unpacked_shares,  // a share behind one that is not full
    empty_head,       // tails behind a head with share 0
    no_head,          // tails whose head does not exist: the device starts with them
    too_long,         // more than longest_read_blocks
};

// The kind of a fault in a few words; MetaCursor::explain() tells what it is in one extent.
INSITU_API const char* describe(ExtentFault fault) noexcept;

// What is wrong with an extent of a map by itself: none, bad_share, unpacked_shares or empty_head.
INSITU_API ExtentFault fault_of(const WindowMap& map, const Extent& extent) noexcept;

// An extent of the logical device, or an unmapped block. Where `fault` is set, the blocks are those
// that the meta seems to mean and the payload is unknown.
struct StoredExtent {
    BlockIndex first;
    unsigned blocks = 1;
    unsigned payload_sectors = 0;
    ExtentFault fault = ExtentFault::none;

    bool unmapped() const noexcept { return payload_sectors == 0 && fault == ExtentFault::none; }
    bool raw() const noexcept { return payload_sectors == sectors_per_block * blocks; }
    BlockIndex end() const noexcept { return first + blocks; }
};

// Reads the meta of an image window by window, a group at a time. Not thread-safe: one a thread;
// 21 KiB of memory, whatever the image.
class INSITU_API MetaCursor {
  public:
    explicit MetaCursor(const Image& image);
    explicit MetaCursor(const Image&& image) = delete;

    WindowMap map(WindowIndex window);
    // The meta bytes of a window as they stand on the disk; 20 bytes, zeros behind the last meta
    // byte of the device. Valid until the next call.
    std::span<const std::byte, window_meta_bytes> meta(WindowIndex window);

    // Whether the first block of a window belongs to an extent of the window before; false for the
    // window after the last.
    bool starts_with_tail(WindowIndex window);

    // The first window at or behind `from` whose meta is not all zeros (all blocks unmapped), or
    // window_count(). Skips holes of the store without reading them.
    WindowIndex next_mapped(WindowIndex from);

    // Every extent that touches a window, in order and without gaps. The first may start in an
    // earlier window and the last end in a later one: the driver never writes such, its target
    // reads them. Valid until the next call.
    std::span<const StoredExtent> extents_touching(WindowIndex window);

    // What is wrong with an extent that has a fault: the first entry of its meta that contradicts
    // the format, and what was expected there. Keeps what extents_touching() returned.
    std::string explain(const StoredExtent& extent);

  private:
    void load_group(std::uint64_t group);
    StoredExtent join_across_windows(BlockIndex head);
    std::string explain_shares(const StoredExtent& extent);
    void append_leading_tails(WindowIndex window, unsigned tails);

    const Image* image_;
    AlignedBuffer buffer_;
    std::uint64_t group_;  // the group in the buffer
    std::array<StoredExtent, window_blocks + 1> extents_;
    std::size_t extent_count_ = 0;
};

}  // namespace insitu
