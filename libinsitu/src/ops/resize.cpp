// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/resize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/ops/copy.hpp"
#include "ops/block_mover.hpp"
#include "ops/sound_meta.hpp"

namespace insitu {

namespace {

std::uint64_t distance_of(const UnfinishedWork& work) {
    const std::uint64_t before = work.move.before.meta_blocks;
    const std::uint64_t after = work.counts.meta_blocks;
    return before < after ? after - before : before - after;
}

std::uint64_t larger_blocks(const UnfinishedWork& work) {
    return std::max(Geometry(work.move.before).device_blocks(),
                    Geometry(work.counts).device_blocks());
}

// Blocks that a payload is in before, while or after it is moved end here.
std::uint64_t end_of_data(const UnfinishedWork& work, std::uint64_t used_blocks) {
    return 1 + std::max(work.move.before.meta_blocks, work.counts.meta_blocks) + used_blocks;
}

// Scratch space is worth its writes if batches would be short without.
void choose_scratch(UnfinishedWork& work, const Store& store, std::uint64_t used_blocks,
                    const ResizeOptions& options) {
    const std::uint64_t distance = distance_of(work);
    if (distance == 0 || distance >= options.batch_blocks || distance >= used_blocks) return;
    constexpr std::uint64_t parts_of_mapped = 4;
    std::uint64_t half = std::min(options.batch_blocks, used_blocks / parts_of_mapped);
    if (options.set_size) {
        work.move.scratch_at_block = larger_blocks(work);
    } else {
        work.move.scratch_at_block = end_of_data(work, used_blocks);
        const std::uint64_t end = store.size_bytes() / block_bytes;
        half = std::min(half, (end - work.move.scratch_at_block) / 2);
    }
    // Each batch would be written twice for nothing.
    if (half > distance) work.move.scratch_blocks = half;
}

// Every entry from `first` on to the end of the meta area: blocks that are new, and the stamp.
void clear_entries(Store& store, const Geometry& geometry, BlockIndex first) {
    constexpr unsigned byte_bits = 8;
    const std::uint64_t first_bit = first.value * bits_per_entry;
    const std::uint64_t byte = geometry.meta_at_byte() + first_bit / byte_bits;
    const std::uint64_t end = geometry.data_at_byte();
    const std::uint64_t sector = byte / sector_bytes * sector_bytes;
    AlignedBuffer buffer(sector_bytes);
    store.read_at(sector, buffer.span());
    const std::size_t in_sector = byte - sector;
    const auto kept = static_cast<unsigned>((1U << first_bit % byte_bits) - 1);
    buffer.data()[in_sector] &= static_cast<std::byte>(kept);
    std::memset(buffer.data() + in_sector + 1, 0, sector_bytes - in_sector - 1);
    store.write_at(sector, buffer.view());
    if (sector + sector_bytes < end) {
        store.zero(sector + sector_bytes, end - sector - sector_bytes);
    }
}

class Resize {
  public:
    Resize(Store& store, UnfinishedWork& work, const ResizeOptions& options, const Control& control)
        : store_(store), work_(work), options_(options), control_(control) {}

    void run(ResizeResult& result) {
        make_room();
        const Image image(store_, smaller_super(work_));
        const std::uint64_t used = used_blocks(image);
        BlockMover mover(store_, work_, used);
        control_.begin(used * block_bytes);
        control_.advance(work_.move.moved_blocks * block_bytes);
        mover.restore_held();
        const std::uint64_t batch = batch_blocks();
        while (distance_of(work_) != 0 && !mover.done()) {
            throw_if_stopped(control_);
            const std::uint64_t blocks = mover.move(batch);
            result.moved_blocks += blocks;
            control_.advance(blocks * block_bytes);
        }
        // Where the data area stays, nothing is moved.
        if (distance_of(work_) == 0) control_.advance(used * block_bytes);
        control_.syncing();
        mover.finish();
        result.payload_bytes = mover.payload_bytes();
        finish();
    }

  private:
    std::uint64_t batch_blocks() const {
        const std::uint64_t scratch = work_.move.scratch_blocks;
        return scratch != 0 ? scratch : std::min(distance_of(work_), options_.batch_blocks);
    }

    void make_room() {
        std::uint64_t blocks = larger_blocks(work_);
        if (work_.move.scratch_blocks != 0) {
            blocks = std::max(blocks, work_.move.scratch_at_block + 2 * work_.move.scratch_blocks);
        }
        if (store_.size_bytes() >= blocks * block_bytes) return;
        if (options_.set_size) return lengthen(blocks * block_bytes);
        throw Error(
            ErrorKind::refused, {.file = store_.name()},
            fmt::format("has {} bytes, {} are needed", store_.size_bytes(), blocks * block_bytes));
    }

    // A file system has a largest file, and a process a limit: no later run could complete what
    // was begun. If nothing has moved yet, the image becomes again what it was.
    void lengthen(std::uint64_t size_bytes) {
        try {
            options_.set_size(size_bytes);
        } catch (const Error&) {
            if (work_.move.moved_blocks == 0 && work_.move.held_blocks == 0) {
                write_super_block(work_.move.before);
            }
            throw;
        }
    }

    void finish() {
        const Geometry after(work_.counts);
        clear_entries(store_, after,
                      {std::min(work_.move.before.data_blocks, work_.counts.data_blocks)});
        store_.sync();
        if (options_.set_size) {
            options_.set_size(after.device_bytes());
            store_.sync();
        }
        write_super_block(work_.counts);
    }

    void write_super_block(const BlockCounts& counts) {
        SuperBlock super;
        super.counts = counts;
        super.comp_alg = work_.comp_alg;
        AlignedBuffer block(block_bytes);
        encode_super_block(super, block.span().first<block_bytes>());
        store_.write_at(0, block.view().first(sector_bytes));
        store_.sync();
    }

    Store& store_;
    UnfinishedWork& work_;
    const ResizeOptions& options_;
    const Control& control_;
};

// A record from a disk: what is done by it must not lead anywhere else.
void validate(const Store& store, const UnfinishedWork& work) {
    constexpr std::uint64_t most_scratch_blocks = std::uint64_t{1} << 16;
    const MoveProgress& move = work.move;
    const auto is_sane = [&] {
        if (!counts_addressable(move.before) || !counts_addressable(work.counts)) return false;
        const Geometry after(work.counts);
        SuperBlock super;
        super.counts = work.counts;
        super.comp_alg = work.comp_alg;
        if (!check_super_block(super, after.device_bytes()).none()) return false;
        const bool more_meta = work.counts.meta_blocks > move.before.meta_blocks;
        const bool more_data = work.counts.data_blocks > move.before.data_blocks;
        if (work.counts.meta_blocks != move.before.meta_blocks && more_meta != more_data) {
            return false;
        }
        if (Geometry(smaller_super(work).counts).data_at_byte() > store.size_bytes()) return false;
        return move.scratch_blocks <= most_scratch_blocks && move.held_half <= 1 &&
               move.held_blocks <= move.scratch_blocks;
    };
    if (is_sane()) return;
    throw Error(ErrorKind::damaged, {.file = store.name(), .byte = 0},
                "the record of an interrupted resize makes no sense");
}

void validate_progress(const Store& store, const UnfinishedWork& work, std::uint64_t used) {
    const MoveProgress& move = work.move;
    const bool is_sane =
        move.moved_blocks <= used && move.held_blocks <= used - move.moved_blocks &&
        (move.scratch_blocks == 0 || (move.scratch_at_block >= end_of_data(work, used) &&
                                      move.scratch_at_block <= larger_blocks(work)));
    if (is_sane) return;
    throw Error(ErrorKind::damaged, {.file = store.name(), .byte = 0},
                fmt::format("the record of an interrupted resize contradicts the meta, by which "
                            "{} blocks are in use",
                            used));
}

// Throws unless the image can have that size.
void require_possible(const Image& image, const SuperBlock& super, std::uint64_t used,
                      const ResizeOptions& options) {
    const Store& store = image.store();
    if (store.size_bytes() < image.geometry().device_bytes()) {
        throw Error(ErrorKind::damaged, {.file = store.name()},
                    fmt::format("has {} bytes, its super block is for {}", store.size_bytes(),
                                image.geometry().device_bytes()),
                    "a part of it is missing: give it its size back first");
    }
    if (used > super.counts.data_blocks) {
        throw Error(ErrorKind::refused, {.file = store.name(), .block = BlockIndex{used - 1}},
                    fmt::format("has content up to block {}, the size holds {} blocks", used - 1,
                                super.counts.data_blocks),
                    fmt::format("the size must be at least {} bytes; shrink the file system in "
                                "the image first to need less",
                                used * block_bytes));
    }
    const std::uint64_t wanted_bytes = Geometry(super.counts).device_bytes();
    if (options.set_size || store.size_bytes() >= wanted_bytes) return;
    throw Error(
        ErrorKind::refused, {.file = store.name()},
        fmt::format("has {} bytes, an image of that size {}", store.size_bytes(), wanted_bytes),
        "make the device larger first");
}

}  // namespace

std::optional<ResizeResult> resume_resize(Store& store, const ResizeOptions& options,
                                          const Control& control) {
    auto work = unfinished_work(store);
    if (!work) return std::nullopt;
    if (work->kind != WorkKind::resize) refuse_unfinished(store);
    validate(store, *work);
    const Image image(store, smaller_super(*work));
    require_sound(image, WindowBorders::crossed);
    validate_progress(store, *work, used_blocks(image));
    ResizeResult result;
    result.super.counts = work->counts;
    result.super.comp_alg = work->comp_alg;
    result.resumed = true;
    Resize(store, *work, options, control).run(result);
    return result;
}

ResizeResult resize_image(Store& store, std::uint64_t device_bytes, const ResizeOptions& options,
                          const Control& control) {
    refuse_unfinished(store);
    settle_intents(store);
    const Image image = Image::open(store, SizeCheck::trust_super, PendingCheck::ignore);
    ResizeResult result;
    result.super = super_block_for(device_bytes, image.algorithm(), store.name());
    require_sound(image, WindowBorders::crossed);
    const std::uint64_t used = used_blocks(image);
    require_possible(image, result.super, used, options);
    if (result.super.counts == image.geometry().counts()) {
        if (options.set_size) options.set_size(image.geometry().device_bytes());
        return result;
    }
    UnfinishedWork work;
    work.kind = WorkKind::resize;
    work.counts = result.super.counts;
    work.comp_alg = result.super.comp_alg;
    work.move.before = image.geometry().counts();
    choose_scratch(work, store, used, options);
    write_unfinished(store, work);
    Resize(store, work, options, control).run(result);
    return result;
}

}  // namespace insitu
