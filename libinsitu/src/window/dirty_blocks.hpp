// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "insitu/units.hpp"
#include "window/block_pool.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

// Blocks [first, first + blocks) of a window as a mask.
constexpr std::uint32_t block_mask(unsigned first, unsigned blocks) noexcept {
    return static_cast<std::uint32_t>(((std::uint64_t{1} << blocks) - 1) << first);
}

// The blocks of one window that were written and not encoded yet: their content, or nothing for
// blocks of zeros. Not thread-safe.
class DirtyBlocks {
  public:
    std::uint32_t mask() const noexcept { return mask_; }
    bool test(unsigned block) const noexcept { return (mask_ >> block & 1U) != 0; }
    bool empty() const noexcept { return mask_ == 0; }
    // Runs of dirty blocks side by side.
    unsigned runs() const noexcept {
        return static_cast<unsigned>(std::popcount(mask_ & ~(mask_ << 1)));
    }
    // Null for a block of zeros. Precondition: test(block).
    const std::byte* content(unsigned block) const noexcept { return contents_[block].get(); }

    void set(unsigned block, const std::byte* content, BlockPool& pool) {
        if (!contents_[block]) contents_[block] = pool.take();
        std::memcpy(contents_[block].get(), content, block_bytes);
        mask_ |= block_mask(block, 1);
    }
    void set_zeros(unsigned block) noexcept {
        contents_[block].reset();
        mask_ |= block_mask(block, 1);
    }
    void clear(BlockPool& pool) {
        pool.give(contents_.begin(), contents_.end());
        mask_ = 0;
    }
    // Whether a dirty block is the same as another.
    bool equals(unsigned block, const std::byte* other) const noexcept {
        const std::byte* const bytes = content(block);
        return bytes != nullptr ? std::memcmp(bytes, other, block_bytes) == 0
                                : is_zero({other, block_bytes});
    }
    // Copies a dirty block.
    void copy(unsigned block, std::byte* output) const noexcept {
        if (const std::byte* const from = content(block)) {
            std::memcpy(output, from, block_bytes);
        } else {
            std::memset(output, 0, block_bytes);
        }
    }

  private:
    std::uint32_t mask_ = 0;
    std::array<BlockPool::Block, window_blocks> contents_;
};

}  // namespace insitu
