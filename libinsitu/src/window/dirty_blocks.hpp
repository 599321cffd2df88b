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
// blocks of zeros. And the content of what is left of the extents that they cut, which has to be
// encoded again with them. Not thread-safe.
class DirtyBlocks {
  public:
    std::uint32_t mask() const noexcept { return mask_; }
    // Of the dirty blocks, those that were written with nothing but what was kept of them.
    std::uint32_t unchanged() const noexcept { return unchanged_; }
    // Whether the content of a block is here, written or kept.
    bool knows(unsigned block) const noexcept { return ((mask_ | kept_) >> block & 1U) != 0; }
    bool test(unsigned block) const noexcept { return (mask_ >> block & 1U) != 0; }
    bool empty() const noexcept { return mask_ == 0; }
    // The dirty blocks that are not zeros.
    std::uint32_t content_mask() const noexcept {
        std::uint32_t mask = 0;
        for (unsigned block = 0; block < window_blocks; ++block) {
            if (test(block) && content(block) != nullptr) mask |= block_mask(block, 1);
        }
        return mask;
    }
    // Null for zeros that were written. Precondition: knows(block).
    const std::byte* content(unsigned block) const noexcept { return contents_[block].get(); }

    // Of some blocks, those that have no memory yet.
    std::uint32_t without_memory(std::uint32_t blocks) const noexcept {
        for (unsigned block = 0; block < window_blocks; ++block) {
            if (contents_[block]) blocks &= ~block_mask(block, 1);
        }
        return blocks;
    }

    // Null content: zeros, which are never content. `memory` has a take(), which is called for a
    // block without memory; if that throws, nothing is changed.
    template <class Memory>
    void set(unsigned block, const std::byte* content, Memory& memory) {
        const std::uint32_t bit = block_mask(block, 1);
        const bool is_same = ((kept_ | unchanged_) & bit) != 0 && equals(block, content);
        if (!is_same && content != nullptr && !contents_[block]) contents_[block] = memory.take();
        mask_ |= bit;
        kept_ &= ~bit;
        unchanged_ = is_same ? unchanged_ | bit : unchanged_ & ~bit;
        if (content == nullptr) contents_[block].reset();
        if (is_same || content == nullptr) return;
        std::memcpy(contents_[block].get(), content, block_bytes);
    }
    // The content of a block as it is. Precondition: it is not dirty.
    template <class Memory>
    void keep(unsigned block, const std::byte* content, Memory& memory) {
        if (!contents_[block]) contents_[block] = memory.take();
        std::memcpy(contents_[block].get(), content, block_bytes);
        kept_ |= block_mask(block, 1);
    }
    void clear(BlockPool& pool) noexcept {
        mask_ = kept_ = unchanged_ = 0;
        pool.give(contents_.begin(), contents_.end());
    }
    // Copies a block. Precondition: knows(block).
    void copy(unsigned block, std::byte* output) const noexcept {
        if (const std::byte* const from = content(block)) {
            std::memcpy(output, from, block_bytes);
        } else {
            std::memset(output, 0, block_bytes);
        }
    }

  private:
    bool equals(unsigned block, const std::byte* other) const noexcept {
        const std::byte* const bytes = content(block);
        if (bytes == nullptr) return other == nullptr;
        return other != nullptr ? std::memcmp(bytes, other, block_bytes) == 0
                                : is_zero({bytes, block_bytes});
    }

    std::uint32_t mask_ = 0;
    std::uint32_t kept_ = 0;  // of blocks that are not dirty
    std::uint32_t unchanged_ = 0;
    std::array<BlockPool::Block, window_blocks> contents_;
};

}  // namespace insitu
