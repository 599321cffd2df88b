// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>

#include "engine/for_each.hpp"
#include "image/window_batches.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "ops/sound_meta.hpp"
#include "ops/update.hpp"
#include "ops/window_recoder.hpp"

namespace insitu {

namespace {

// What the copiers of all threads share.
struct CopyTask {
    const Image& image;
    Store& target;
    const Geometry& geometry;
    // The image that the target holds, if something proves its payloads, and what that is.
    const Image* before = nullptr;
    const UpdateOptions* proof = nullptr;
    const RecodeOptions* recode = nullptr;  // none: as they are
    std::atomic<std::uint64_t> trusted_bytes{0};
    std::atomic<std::uint64_t> recoded_windows{0};
};

// Tells payloads that are equal in two images without reading them: meta, place and length are the
// same, both have the same seal, and the caller knows of the content or wants no more than that.
// What has no seal shows nothing of what was written to it since the caller knew. Reads no more
// than the last sectors.
class ProofOfPayloads {
  public:
    ProofOfPayloads(const Image& source, const Image& target, const UpdateOptions& proof)
        : source_(source), target_(target), target_cursor_(target), proof_(proof) {}

    void begin(MetaCursor& source_cursor, WindowIndex window) {
        seals_count_ = window.value < target_.geometry().window_count() &&
                       source_cursor.map(window) == target_cursor_.map(window) &&
                       (proof_.seals == UpdateOptions::Seals::trust ||
                        proof_.known_equal(window, target_cursor_.map(window)));
    }
    // Of the window that was begun.
    bool equal(const StoredExtent& extent) {
        if (!seals_count_ || extent.raw()) return false;
        read_end(source_, extent, source_end_);
        read_end(target_, extent, target_end_);
        const ByteView a = ByteView(source_end_).last(seal_end_bytes);
        const ByteView b = ByteView(target_end_).last(seal_end_bytes);
        return is_sealed(a, extent.first, extent.payload_sectors) &&
               std::equal(a.begin(), a.end(), b.begin());
    }

  private:
    using Sector = std::array<std::byte, sector_bytes>;
    static void read_end(const Image& image, const StoredExtent& extent, Sector& output) {
        image.store().read_at(image.geometry().block_at_byte(extent.first) +
                                  (extent.payload_sectors - 1) * sector_bytes,
                              output);
    }

    const Image& source_;
    const Image& target_;
    MetaCursor target_cursor_;
    const UpdateOptions& proof_;
    bool seals_count_ = false;
    alignas(block_bytes) Sector source_end_{};
    alignas(block_bytes) Sector target_end_{};
};

// One worker: copies the payloads of windows and makes their meta.
class WindowCopier {
  public:
    explicit WindowCopier(CopyTask& task)
        : task_(task),
          image_(task.image),
          target_(task.target.write_queue()),
          geometry_(task.geometry),
          cursor_(task.image) {
        if (task.before != nullptr) proof_.emplace(task.image, *task.before, *task.proof);
        if (task.recode != nullptr) recoder_.emplace(task.image, *task.recode);
    }

    // The window of the target, whose payloads are written.
    WindowMap put(WindowIndex window, ExtentTotals& totals) {
        if (!recoder_) return copy(window, totals);
        std::uint64_t old_sectors = 0;
        for (const StoredExtent& extent : cursor_.extents_touching(window)) {
            if (extent.fault == ExtentFault::none && extent.unmapped()) continue;
            require_sound(image_, cursor_, extent, window, WindowBorders::respected);
            old_sectors += extent.payload_sectors;
        }
        const auto map = recoder_->recode(window, old_sectors, totals);
        if (!map) return copy(window, totals);
        for (const Extent& extent : map->extents()) {
            if (extent.unmapped()) continue;
            target_->write_at(
                geometry_.block_at_byte(first_block_of(window) + extent.first),
                recoder_->payloads(extent.first, extent.payload_sectors * sector_bytes));
        }
        ++task_.recoded_windows;
        return *map;
    }
    void finish() { target_->finish(); }

  private:
    WindowMap copy(WindowIndex window, ExtentTotals& totals) {
        WindowMap map(geometry_.blocks_in_window(window));
        const BlockIndex first = first_block_of(window);
        std::uint64_t run_start = 0;  // of payloads near each other, counted from the window
        std::uint64_t run_end = 0;
        if (proof_) proof_->begin(cursor_, window);
        for (const StoredExtent& extent : cursor_.extents_touching(window)) {
            if (extent.fault == ExtentFault::none && extent.unmapped()) continue;
            require_sound(image_, cursor_, extent, window, WindowBorders::respected);
            const auto at = static_cast<unsigned>(extent.first.value - first.value);
            map.set_extent({at, extent.blocks, extent.payload_sectors});
            totals.add(extent.blocks, extent.payload_sectors);
            if (proof_ && proof_->equal(extent)) {
                task_.trusted_bytes += extent.payload_sectors * sector_bytes;
                continue;
            }
            const std::uint64_t start = at * block_bytes;
            // What lies in a hole is nobody's business: only whole payloads are written.
            if (run_end != start) {
                copy_run(window, run_start, run_end);
                run_start = start;
            }
            run_end = start + extent.payload_sectors * sector_bytes;
        }
        copy_run(window, run_start, run_end);
        return map;
    }

    void copy_run(WindowIndex window, std::uint64_t start, std::uint64_t end) {
        if (start == end) return;
        const BlockIndex first = first_block_of(window);
        // A queue needs what it writes until finish().
        const ByteSpan bytes = buffer_.span().subspan(start, end - start);
        image_.store().read_at(image_.geometry().block_at_byte(first) + start, bytes);
        target_->write_at(geometry_.block_at_byte(first) + start, bytes);
    }

    CopyTask& task_;
    const Image& image_;
    std::unique_ptr<WriteQueue> target_;
    const Geometry& geometry_;
    MetaCursor cursor_;
    std::optional<ProofOfPayloads> proof_;
    std::optional<WindowRecoder> recoder_;
    AlignedBuffer buffer_{window_bytes};
};

// Payloads, and after a sync the meta that names them, span by span. Returns the bytes of meta.
std::uint64_t copy_content(CopyTask& task, TargetContent content, ExtentTotals& extents,
                           const Control& control) {
    MetaWriter meta(task.target, task.geometry, content);
    std::mutex mutex;
    const WindowIndex end{
        std::min(task.image.geometry().window_count(), task.geometry.window_count())};
    MetaCursor ahead(task.image);
    for (WindowIndex first = ahead.next_mapped({0}); first < end;) {
        meta.begin_span(first);
        const WindowIndex limit = std::min(meta.span_end(), end);
        MappedBatches batches(task.image, first, limit);
        for_each<WindowBatch>(
            control, [&](WindowBatch& batch) { return batches.take(batch); },
            [&] {
                return [&, copier = std::make_unique<WindowCopier>(task)](WindowBatch& batch) {
                    ExtentTotals totals;
                    for (std::uint64_t i = 0; i < batch.count; ++i) {
                        const WindowIndex window = batch.first + i;
                        copier->put(window, totals).encode(meta.slot(window));
                        // The buffer is used again.
                        copier->finish();
                    }
                    control.advance((batch.skipped + batch.count) * window_bytes);
                    const std::lock_guard guard(mutex);
                    extents += totals;
                };
            });
        control.syncing();
        task.target.sync();
        meta.commit_span();
        first = limit < end ? ahead.next_mapped(limit) : end;
    }
    meta.finish();
    return meta.written_bytes();
}

}  // namespace

std::uint64_t used_blocks(const Image& image) {
    MetaCursor cursor(image);
    std::uint64_t used = 0;
    const WindowIndex end{image.geometry().window_count()};
    for (WindowIndex window = cursor.next_mapped({0}); window < end;
         window = cursor.next_mapped(window + 1)) {
        for (const StoredExtent& extent : cursor.extents_touching(window)) {
            const bool mapped = extent.fault != ExtentFault::none || !extent.unmapped();
            if (mapped) used = std::max(used, extent.end().value);
        }
    }
    return used;
}

void require_room(const Image& image, std::uint64_t target_bytes, const std::string& target_name) {
    const SuperBlock super = super_block_for(target_bytes, image.algorithm(), target_name);
    const std::uint64_t used = used_blocks(image);
    if (used <= super.counts.data_blocks) return;
    throw Error(
        ErrorKind::refused, {.file = target_name, .block = BlockIndex{used - 1}},
        fmt::format("{} has content up to block {}, the target holds {} blocks",
                    image.store().name(), used - 1, super.counts.data_blocks),
        fmt::format("the target needs {} bytes", smallest_device_blocks(used) * block_bytes));
}

void require_copyable(const Image& image, std::uint64_t target_bytes, const CopyOptions& options,
                      const std::string& target_name) {
    require_room(image, target_bytes, target_name);
    if (!options.recode || !options.recode->worth_percent) return;
    const Algorithm wanted = options.recode->codec.algorithm;
    if (wanted == image.algorithm()) return;
    throw Error(ErrorKind::refused, {.file = image.store().name()},
                fmt::format("is {}: payloads can be kept only in an image of the same algorithm, "
                            "and {} is wanted",
                            to_string(image.algorithm()), to_string(wanted)));
}

CopyResult copy_image(const Image& image, Store& target, const CopyOptions& options,
                      const Control& control) {
    CopyResult result;
    const Algorithm algorithm =
        options.recode ? options.recode->codec.algorithm : image.algorithm();
    result.super = super_block_for(target.size_bytes(), algorithm, target.name());
    const Geometry geometry(result.super.counts);
    require_copyable(image, target.size_bytes(), options, target.name());
    control.begin(image.geometry().logical_bytes());
    result.written_bytes = invalidate_target(target, options.target_content);
    CopyTask task{image, target, geometry};
    if (options.recode) task.recode = &*options.recode;
    result.written_bytes += copy_content(task, options.target_content, result.extents, control);
    result.recoded_windows = task.recoded_windows;
    result.written_bytes += result.extents.payload_sectors * sector_bytes +
                            write_super_block_last(target, result.super, options.identity);
    return result;
}

UpdateResult update_image(const Image& image, Store& target, const UpdateOptions& options,
                          const Control& control) {
    Update update(target, image.algorithm());
    require_room(image, target.size_bytes(), target.name());
    require_sound(image, WindowBorders::respected);
    UpdateResult result;
    result.super = update.super();
    const Geometry geometry(result.super.counts);
    control.begin(image.geometry().logical_bytes());
    const Image before(target, update.super());
    CopyTask task{image, update.store(), geometry};
    if (!update.may_be_torn() &&
        (options.seals == UpdateOptions::Seals::trust || options.known_equal)) {
        task.before = &before;
        task.proof = &options;
    }
    copy_content(task, TargetContent::unknown, result.extents, control);
    update.finish(options.identity);
    result.update = update.totals();
    result.update.trusted_bytes = task.trusted_bytes;
    return result;
}

}  // namespace insitu
