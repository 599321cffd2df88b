// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "insitu/units.hpp"

namespace insitu {

// Memory of blocks that one thread takes and another gives back, many thousand times a second:
// malloc would lock the first one's arena, join the piece to its neighbours, and cut it again. It
// grows to what was taken at a time. Thread-safe.
class BlockPool {
  public:
    using Block = std::unique_ptr<std::byte[]>;

    // Of any content. Throws std::bad_alloc.
    Block take() {
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                Block block = std::move(idle_.back());
                idle_.pop_back();
                return block;
            }
        }
        // make_unique would write zeros; make_unique_for_overwrite is not in every library.
        return Block(new std::byte[block_bytes]);
    }
    // Those of [first, end) that are not null.
    template <class Iterator>
    void give(Iterator first, Iterator end) noexcept {
        const std::lock_guard lock(mutex_);
        for (; first != end; ++first) {
            if (*first) give(*first);
        }
    }
    std::size_t idle() {
        const std::lock_guard lock(mutex_);
        return idle_.size();
    }
    // What is idle goes back to the system.
    void trim() {
        std::vector<Block> idle;
        const std::lock_guard lock(mutex_);
        idle.swap(idle_);
    }

  private:
    // Without memory to remember it by, it goes back to the system.
    void give(Block& block) noexcept {
        try {
            idle_.push_back(std::move(block));
        } catch (const std::bad_alloc&) {
            block.reset();
        }
    }

    std::mutex mutex_;
    std::vector<Block> idle_;
};

// Blocks for one change, taken before anything is changed: no memory then means no change.
class SpareBlocks {
  public:
    // At most those of a window. Throws std::bad_alloc.
    SpareBlocks(BlockPool& pool, unsigned count) : pool_(pool) {
        try {
            for (; count_ < count; ++count_)
                blocks_[count_] = pool.take();
        } catch (...) {
            pool_.give(blocks_.begin(), blocks_.end());
            throw;
        }
    }
    ~SpareBlocks() { pool_.give(blocks_.begin(), blocks_.end()); }
    SpareBlocks(const SpareBlocks&) = delete;
    SpareBlocks& operator=(const SpareBlocks&) = delete;

    // Precondition: one is left.
    BlockPool::Block take() noexcept { return std::move(blocks_[--count_]); }

  private:
    BlockPool& pool_;
    unsigned count_ = 0;
    std::array<BlockPool::Block, window_blocks> blocks_;
};

}  // namespace insitu
