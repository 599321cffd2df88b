// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/meta_cursor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

constexpr std::uint64_t no_group = std::numeric_limits<std::uint64_t>::max();

}  // namespace

ExtentFault fault_of(const WindowMap& map, const Extent& extent) noexcept {
    if (map.extent_sound(extent)) return ExtentFault::none;
    const std::uint64_t mask = ((std::uint64_t{1} << extent.blocks) - 1) << extent.first;
    if ((map.bad_shares() & mask) != 0) return ExtentFault::bad_share;
    return (map.empty_heads() & mask) != 0 ? ExtentFault::empty_head : ExtentFault::unpacked_shares;
}

const char* describe(ExtentFault fault) noexcept {
    switch (fault) {
        case ExtentFault::none:
            return "no fault";
        case ExtentFault::bad_share:
            return "a share is over 8 sectors";
        case ExtentFault::unpacked_shares:
            return "shares are not packed from the front";
        case ExtentFault::empty_head:
            return "tails follow a head without payload";
        case ExtentFault::no_head:
            return "tails without a head";
        case ExtentFault::too_long:
            return "extent has more than 1024 blocks";
    }
    return "unknown fault";
}

MetaCursor::MetaCursor(const Image& image)
    : image_(&image), buffer_(group_meta_bytes), group_(no_group) {}

void MetaCursor::load_group(std::uint64_t group) {
    if (group == group_) return;
    group_ = no_group;
    const Geometry& geometry = image_->geometry();
    const std::uint64_t offset = group * group_meta_bytes;
    const std::uint64_t length =
        std::min<std::uint64_t>(group_meta_bytes, geometry.meta_bytes() - offset);
    image_->store().read_at(geometry.meta_at_byte() + offset, buffer_.first(length));
    std::memset(buffer_.data() + length, 0, buffer_.size() - length);
    group_ = group;
}

std::span<const std::byte, window_meta_bytes> MetaCursor::meta(WindowIndex window) {
    load_group(window.value / group_windows);
    const std::size_t at = window.value % group_windows * window_meta_bytes;
    return buffer_.view().subspan(at).first<window_meta_bytes>();
}

WindowMap MetaCursor::map(WindowIndex window) {
    return WindowMap::decode(meta(window), image_->geometry().blocks_in_window(window));
}

WindowIndex MetaCursor::next_mapped(WindowIndex from) {
    const Geometry& geometry = image_->geometry();
    const WindowIndex end{geometry.window_count()};
    for (WindowIndex window = from; window < end; window = window + 1) {
        if (window.value / group_windows != group_) {
            // Not in memory: a hole in the store need not be read to know that it is zeros.
            const std::uint64_t at = geometry.window_meta_at_byte(window);
            const std::uint64_t data = image_->store().next_data(at);
            const std::uint64_t skipped = data > at ? (data - at) / window_meta_bytes : 0;
            window = window + skipped;
            if (window >= end) return end;
        }
        if (!is_zero(meta(window))) return window;
    }
    return end;
}

bool MetaCursor::starts_with_tail(WindowIndex window) {
    constexpr std::byte tail_of_block_0{0x10};
    return window.value < image_->geometry().window_count() &&
           (meta(window)[0] & tail_of_block_0) != std::byte{0};
}

// Follows an extent over the borders of windows, where its shares go on.
StoredExtent MetaCursor::join_across_windows(BlockIndex head) {
    StoredExtent joined{head, 0, 0, ExtentFault::none};
    bool full = true;
    WindowIndex window = window_of(head);
    auto block = static_cast<unsigned>(head.value % window_blocks);
    for (; window.value < image_->geometry().window_count(); window = window + 1, block = 0) {
        const WindowMap part = map(window);
        for (; block < part.blocks(); ++block) {
            if (joined.blocks > 0 && !part.is_tail(block)) return joined;
            const unsigned share = part.share(block);
            if (share > sectors_per_block) {
                joined.fault = ExtentFault::bad_share;
            } else if (joined.fault == ExtentFault::none && share > 0 && !full) {
                joined.fault = ExtentFault::unpacked_shares;
            } else if (joined.blocks == 1 && joined.payload_sectors == 0) {
                joined.fault = ExtentFault::empty_head;
            }
            full = share == sectors_per_block;
            joined.payload_sectors += share;
            if (++joined.blocks > longest_read_blocks) {
                joined.fault = ExtentFault::too_long;
                return joined;
            }
        }
    }
    return joined;
}

// The blocks before the first head of a window belong to an extent of an earlier one.
void MetaCursor::append_leading_tails(WindowIndex window, unsigned tails) {
    const BlockIndex first = first_block_of(window);
    constexpr unsigned reach_windows = longest_read_blocks / window_blocks + 1;
    WindowIndex before = window;
    for (unsigned i = 0; i < reach_windows && before.value > 0; ++i) {
        before = {before.value - 1};
        const WindowMap part = map(before);
        if (part.leading_tails() == window_blocks) continue;
        unsigned head = window_blocks - 1;
        while (part.is_tail(head))
            --head;
        StoredExtent extent = join_across_windows(first_block_of(before) + head);
        if (extent.fault == ExtentFault::too_long) extent = {first, tails, 0, extent.fault};
        extents_[extent_count_++] = extent;
        return;
    }
    const ExtentFault fault = before.value == 0 ? ExtentFault::no_head : ExtentFault::too_long;
    extents_[extent_count_++] = {first, tails, 0, fault};
}

std::span<const StoredExtent> MetaCursor::extents_touching(WindowIndex window) {
    extent_count_ = 0;
    const WindowMap current = map(window);
    const BlockIndex first = first_block_of(window);
    if (current.leading_tails() != 0) append_leading_tails(window, current.leading_tails());
    for (const Extent extent : current.extents()) {
        extents_[extent_count_++] = {first + extent.first, extent.blocks, extent.payload_sectors,
                                     fault_of(current, extent)};
    }
    const bool has_heads = current.leading_tails() < current.blocks();
    if (has_heads && current.blocks() == window_blocks && starts_with_tail(window + 1)) {
        StoredExtent& last = extents_[extent_count_ - 1];
        StoredExtent joined = join_across_windows(last.first);
        if (joined.fault == ExtentFault::too_long) joined.blocks = last.blocks;
        last = joined;
    }
    return std::span(extents_).first(extent_count_);
}

std::string MetaCursor::explain_shares(const StoredExtent& extent) {
    unsigned before = sectors_per_block;
    for (BlockIndex block = extent.first; block < extent.end(); block = block + 1) {
        const auto in_window = static_cast<unsigned>(block.value % window_blocks);
        const unsigned share = map(window_of(block)).share(in_window);
        if (extent.fault == ExtentFault::bad_share) {
            if (share > sectors_per_block) {
                return fmt::format("share of block {} is {} sectors, expected 0 to {}", block.value,
                                   share, sectors_per_block);
            }
        } else if (share > 0 && before < sectors_per_block) {
            return fmt::format("share of block {} is {} behind a share of {}, expected 0",
                               block.value, share, before);
        }
        before = share;
    }
    return describe(extent.fault);
}

std::string MetaCursor::explain(const StoredExtent& extent) {
    switch (extent.fault) {
        case ExtentFault::bad_share:
        case ExtentFault::unpacked_shares:
            return explain_shares(extent);
        case ExtentFault::empty_head:
            return fmt::format("head of {} blocks has a share of 0, expected 1 to {}",
                               extent.blocks, sectors_per_block);
        case ExtentFault::no_head:
            return "block 0 is a tail, expected a head";
        case ExtentFault::too_long:
            return fmt::format("extent has more than {} blocks, expected at most {}",
                               longest_read_blocks, window_blocks);
        case ExtentFault::none:
            break;
    }
    return describe(extent.fault);
}

}  // namespace insitu
