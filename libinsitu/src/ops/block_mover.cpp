// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/block_mover.hpp"

#include <algorithm>
#include <memory>

namespace insitu {

SuperBlock smaller_super(const UnfinishedWork& work) {
    SuperBlock super;
    super.comp_alg = work.comp_alg;
    const bool grows = work.counts.data_blocks > work.move.before.data_blocks;
    super.counts = grows ? work.move.before : work.counts;
    return super;
}

BlockMover::BlockMover(Store& store, UnfinishedWork& work, std::uint64_t used_blocks)
    : store_(store),
      work_(work),
      used_blocks_(used_blocks),
      before_(work.move.before),
      after_(work.counts),
      image_(store, smaller_super(work)),
      cursor_(image_),
      buffer_(0) {}

BlockMover::Batch BlockMover::next_batch(std::uint64_t blocks) const {
    const std::uint64_t moved = work_.move.moved_blocks;
    blocks = std::min(blocks, used_blocks_ - moved);
    const bool up = after_.meta_blocks() > before_.meta_blocks();
    return {up ? used_blocks_ - moved - blocks : moved, blocks};
}

// A payload fills its blocks from the first on, so what a block has of it is as many sectors as
// its share, from its start.
void BlockMover::find_runs(const Batch& batch) {
    runs_.clear();
    for (std::uint64_t i = 0; i < batch.blocks;) {
        const BlockIndex block{batch.first + i};
        const WindowMap map = cursor_.map(window_of(block));
        const auto first = static_cast<unsigned>(block.value % window_blocks);
        for (unsigned at = first; at < window_blocks && i < batch.blocks; ++at, ++i) {
            const std::uint64_t length =
                at < map.blocks() ? map.share(at) * sector_bytes : std::uint64_t{0};
            if (length == 0) continue;
            const std::uint64_t start = i * block_bytes;
            if (!runs_.empty() && runs_.back().at_byte + runs_.back().length_bytes == start) {
                runs_.back().length_bytes += length;
            } else {
                runs_.push_back({start, length});
            }
        }
    }
    if (buffer_.size() < batch.blocks * block_bytes) {
        buffer_ = AlignedBuffer(batch.blocks * block_bytes);
    }
}

void BlockMover::read(std::uint64_t at_byte) {
    for (const Run& run : runs_) {
        store_.read_at(at_byte + run.at_byte,
                       buffer_.span().subspan(run.at_byte, run.length_bytes));
    }
}

void BlockMover::write(std::uint64_t at_byte) {
    const std::unique_ptr<WriteQueue> queue = store_.write_queue();
    for (const Run& run : runs_) {
        queue->write_at(at_byte + run.at_byte,
                        buffer_.view().subspan(run.at_byte, run.length_bytes));
    }
    queue->finish();
}

std::uint64_t BlockMover::half_at_byte(std::uint32_t half) const {
    return (work_.move.scratch_at_block + half * work_.move.scratch_blocks) * block_bytes;
}

std::uint64_t BlockMover::move(std::uint64_t most_blocks) {
    MoveProgress& progress = work_.move;
    const Batch batch = next_batch(most_blocks);
    find_runs(batch);
    read(before_.block_at_byte({batch.first}));
    if (progress.scratch_blocks != 0) {
        const std::uint32_t half = 1 - progress.held_half;
        write(half_at_byte(half));
        progress.held_half = half;
        progress.held_blocks = batch.blocks;
        write_unfinished(store_, work_);
    }
    write(after_.block_at_byte({batch.first}));
    progress.moved_blocks += batch.blocks;
    progress.held_blocks = 0;
    if (progress.scratch_blocks == 0) write_unfinished(store_, work_);
    for (const Run& run : runs_)
        payload_bytes_ += run.length_bytes;
    return batch.blocks;
}

void BlockMover::restore_held() {
    MoveProgress& progress = work_.move;
    if (progress.held_blocks == 0) return;
    const Batch batch = next_batch(progress.held_blocks);
    find_runs(batch);
    read(half_at_byte(progress.held_half));
    write(after_.block_at_byte({batch.first}));
    progress.moved_blocks += batch.blocks;
    progress.held_blocks = 0;
}

void BlockMover::finish() {
    work_.move.held_blocks = 0;
    write_unfinished(store_, work_);
}

}  // namespace insitu
