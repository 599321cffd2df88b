// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

// Moves the payloads of an image from one data area to another of the same store, in batches that
// can be cut off anywhere.
//
// Both areas hold the same blocks, a few blocks apart, and the meta is the same for both. Blocks
// go in such an order (the last first if they move up) that a batch overwrites only old places of
// blocks before it, which are in their new places by then, and its own. If it is no longer than the
// distance it does not meet its own: it is copied, and then recorded as moved. Otherwise it is
// written to a half of the scratch space first and recorded as held there, so that it can be
// written to its new place again. The two halves take turns: while a batch is written to one, the
// record still names the other. Each record comes after a sync of what it says, and before what
// relies on it.
class BlockMover {
  public:
    // `used_blocks`: how many blocks there are to move; no later one is mapped. `work` says what is
    // done already and is kept up to date, here and in the store.
    BlockMover(Store& store, UnfinishedWork& work, std::uint64_t used_blocks);

    bool done() const noexcept { return work_.move.moved_blocks >= used_blocks_; }
    // Moves the next batch of at most this many blocks. Precondition: no more than a half of the
    // scratch space has, or than the distance if there is none. Returns the number of blocks.
    std::uint64_t move(std::uint64_t most_blocks);
    // Writes a batch that is held to its new place, where a run before may have left a part of it.
    void restore_held();
    // Records that everything is moved.
    void finish();
    std::uint64_t payload_bytes() const noexcept { return payload_bytes_; }

  private:
    struct Batch {
        std::uint64_t first = 0;
        std::uint64_t blocks = 0;
    };
    struct Run {  // bytes of a batch that payloads use
        std::uint64_t at_byte = 0;
        std::uint64_t length_bytes = 0;
    };
    Batch next_batch(std::uint64_t blocks) const;
    void find_runs(const Batch& batch);
    void read(std::uint64_t at_byte);
    void write(std::uint64_t at_byte);
    std::uint64_t half_at_byte(std::uint32_t half) const;

    Store& store_;
    UnfinishedWork& work_;
    std::uint64_t used_blocks_;
    Geometry before_;
    Geometry after_;
    Image image_;  // for its meta alone
    MetaCursor cursor_;
    std::vector<Run> runs_;
    AlignedBuffer buffer_;
    std::uint64_t payload_bytes_ = 0;
};

// The counts by which meta can be read at any time of a move: those of the smaller image.
SuperBlock smaller_super(const UnfinishedWork& work);

}  // namespace insitu
