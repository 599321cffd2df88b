// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
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
    void give(Iterator first, Iterator end) {
        const std::lock_guard lock(mutex_);
        for (; first != end; ++first) {
            if (*first) idle_.push_back(std::move(*first));
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
    std::mutex mutex_;
    std::vector<Block> idle_;
};

}  // namespace insitu
