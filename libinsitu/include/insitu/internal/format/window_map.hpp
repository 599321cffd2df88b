// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

namespace insitu {

// An extent inside its window, or an unmapped block (payload_sectors 0, blocks 1).
struct Extent {
    unsigned first = 0;  // block in the window, 0..31
    unsigned blocks = 1;
    unsigned payload_sectors = 0;

    bool unmapped() const noexcept { return payload_sectors == 0; }
    bool raw() const noexcept { return payload_sectors == sectors_per_block * blocks; }
    friend constexpr bool operator==(Extent, Extent) = default;
};

// Bytes of meta that hold `blocks` entries of 5 bits.
constexpr std::size_t meta_bytes_for(unsigned blocks) noexcept {
    return (5 * blocks + 7) / 8;
}

// The meta of one window (docs/format.md §2.3), taken apart once. Heads cut the window into
// extents; an extent is trusted only where extent_sound() says so. Blocks before the first head
// (leading_tails() of them) continue an extent of the window before. A value; 44 bytes.
//
// A default-constructed map has every block unmapped.
class INSITU_API WindowMap {
  public:
    class Iterator;
    class Extents;

    explicit WindowMap(unsigned blocks = window_blocks) noexcept;

    // Reads the entries of the first `blocks` (1..32) blocks. `meta` holds 20 bytes even where the
    // window is shorter; what lies beyond its entries is ignored.
    static WindowMap decode(std::span<const std::byte, window_meta_bytes> meta,
                            unsigned blocks = window_blocks) noexcept;

    // The inverse of decode(); entries beyond blocks() are written as zeros.
    void encode(std::span<std::byte, window_meta_bytes> meta) const noexcept;

    // Makes the blocks [first, first + blocks) one extent with the shares of a payload of
    // `payload_sectors`; with 0 sectors, makes each of them an unmapped block.
    // Precondition: inside the window, payload_sectors <= 8 * blocks.
    void set_extent(Extent extent) noexcept;

    unsigned blocks() const noexcept { return blocks_; }
    unsigned share(unsigned block) const noexcept { return shares_[block]; }
    bool is_tail(unsigned block) const noexcept { return ((tails_ >> block) & 1) != 0; }

    // How many blocks stand before the first head: 0 in every window that the driver wrote.
    unsigned leading_tails() const noexcept {
        const auto count = static_cast<unsigned>(std::countr_one(tails_));
        return count < blocks_ ? count : blocks_;
    }

    // The extents that start in this window, in order; each head makes one, sound or not. The
    // payload is the sum of the shares, which is what the driver takes it for in any case.
    Extents extents() const noexcept;
    // The extent that starts at a head.
    Extent extent_at(unsigned head) const noexcept;

    // Bits by block: heads without tails in this window, and heads with some.
    std::uint32_t single_heads() const noexcept {
        return ~tails_ & ~(tails_ >> 1) & block_mask(blocks_);
    }
    std::uint32_t heads_with_tails() const noexcept {
        return ~tails_ & (tails_ >> 1) & block_mask(blocks_);
    }
    // How many of the blocks in the mask have a share of 0, 1, … 8.
    std::array<unsigned, sectors_per_block + 1> count_shares(std::uint32_t blocks) const noexcept;

    // Bits by block: a share of 9..15; a tail whose share is not packed behind full shares; a head
    // with share 0 that has tails.
    std::uint32_t bad_shares() const noexcept { return bad_shares_; }
    std::uint32_t unpacked_shares() const noexcept { return unpacked_; }
    std::uint32_t empty_heads() const noexcept { return empty_heads_; }

    bool extent_sound(Extent extent) const noexcept {
        const std::uint32_t mask = block_mask(extent.blocks) << extent.first;
        return ((bad_shares_ | unpacked_ | empty_heads_) & mask) == 0;
    }
    // No fault in any extent and no leading tail.
    bool sound() const noexcept {
        return (bad_shares_ | unpacked_ | empty_heads_ | (tails_ & 1)) == 0;
    }

    friend bool operator==(const WindowMap& a, const WindowMap& b) noexcept {
        return a.blocks_ == b.blocks_ && a.tails_ == b.tails_ && a.shares_ == b.shares_;
    }

  private:
    static constexpr std::uint32_t block_mask(unsigned count) noexcept {
        return count >= window_blocks ? ~std::uint32_t{0} : (std::uint32_t{1} << count) - 1;
    }
    unsigned sum_of_shares(unsigned first, unsigned count) const noexcept;
    void find_faults(std::uint32_t low_bits, std::uint32_t eights) noexcept;

    std::array<std::uint8_t, window_blocks> shares_{};
    std::uint32_t tails_ = 0;
    std::uint32_t full_ = 0;  // blocks with a share of exactly 8
    std::uint32_t bad_shares_ = 0;
    std::uint32_t unpacked_ = 0;
    std::uint32_t empty_heads_ = 0;
    unsigned blocks_;
};

class WindowMap::Iterator {
  public:
    Iterator(const WindowMap& map, std::uint32_t heads) noexcept : map_(&map), heads_(heads) {}
    Extent operator*() const noexcept {
        return map_->extent_at(static_cast<unsigned>(std::countr_zero(heads_)));
    }
    Iterator& operator++() noexcept {
        heads_ &= heads_ - 1;
        return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
        return a.heads_ == b.heads_;
    }

  private:
    const WindowMap* map_;
    std::uint32_t heads_;
};

class WindowMap::Extents {
  public:
    Extents(const WindowMap& map, std::uint32_t heads) noexcept : map_(&map), heads_(heads) {}
    Iterator begin() const noexcept { return {*map_, heads_}; }
    Iterator end() const noexcept { return {*map_, 0}; }
    unsigned size() const noexcept { return static_cast<unsigned>(std::popcount(heads_)); }

  private:
    const WindowMap* map_;
    std::uint32_t heads_;
};

inline WindowMap::Extents WindowMap::extents() const noexcept {
    return {*this, ~tails_ & block_mask(blocks_)};
}

inline Extent WindowMap::extent_at(unsigned head) const noexcept {
    // The tails that follow the head end at the next head, which the bit behind the last block is.
    const std::uint64_t heads = ~std::uint64_t{tails_ & block_mask(blocks_)};
    const std::uint64_t after = (heads >> head) >> 1;
    const unsigned limit = blocks_ - head;
    unsigned length = static_cast<unsigned>(std::countr_zero(after)) + 1;
    if (length > limit) length = limit;
    const std::uint32_t mask = block_mask(length) << head;
    const auto full = static_cast<unsigned>(std::popcount(full_ & mask));
    const unsigned rest = full < length ? shares_[head + full] : 0;
    if (((bad_shares_ | unpacked_) & mask) == 0) [[likely]] {
        return {head, length, sectors_per_block * full + rest};
    }
    return {head, length, sum_of_shares(head, length)};
}

}  // namespace insitu
