// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "engine/for_each.hpp"
#include "image/window_batches.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

namespace {

[[noreturn]] void refuse(const Image& image, const StoredExtent& extent, const std::string& text,
                         const char* hint) {
    throw Error(ErrorKind::damaged,
                {.file = image.store().name(),
                 .window = window_of(extent.first),
                 .block = extent.first,
                 .byte = image.geometry().block_at_byte(extent.first)},
                text, hint);
}

// One worker: copies the payloads of windows and makes their meta.
class WindowCopier {
  public:
    WindowCopier(const Image& image, Store& target, const Geometry& geometry)
        : image_(image), target_(target.write_queue()), geometry_(geometry), cursor_(image) {}

    WindowMap copy(WindowIndex window, ExtentTotals& totals) {
        WindowMap map(geometry_.blocks_in_window(window));
        const BlockIndex first = first_block_of(window);
        std::uint64_t run_start = 0;  // of payloads near each other, counted from the window
        std::uint64_t run_end = 0;
        for (const StoredExtent& extent : cursor_.extents_touching(window)) {
            if (extent.fault == ExtentFault::none && extent.unmapped()) continue;
            check(extent, window);
            const auto at = static_cast<unsigned>(extent.first.value - first.value);
            map.set_extent({at, extent.blocks, extent.payload_sectors});
            totals.add(extent.blocks, extent.payload_sectors);
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
    void finish() { target_->finish(); }

  private:
    void check(const StoredExtent& extent, WindowIndex window) {
        if (extent.fault != ExtentFault::none) {
            refuse(image_, extent, cursor_.explain(extent), "insitu-fsck -y repairs it first");
        }
        const bool inside =
            window_of(extent.first) == window && window_of({extent.end().value - 1}) == window;
        if (inside) return;
        refuse(
            image_, extent,
            fmt::format("an extent of {} blocks crosses the border of its window", extent.blocks),
            "insitu-fsck -y stores it again as proper extents");
    }

    void copy_run(WindowIndex window, std::uint64_t start, std::uint64_t end) {
        if (start == end) return;
        const BlockIndex first = first_block_of(window);
        // A queue needs what it writes until finish().
        const ByteSpan bytes = buffer_.span().subspan(start, end - start);
        image_.store().read_at(image_.geometry().block_at_byte(first) + start, bytes);
        target_->write_at(geometry_.block_at_byte(first) + start, bytes);
    }

    const Image& image_;
    std::unique_ptr<WriteQueue> target_;
    const Geometry& geometry_;
    MetaCursor cursor_;
    AlignedBuffer buffer_{window_bytes};
};

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

CopyResult copy_image(const Image& image, Store& target, const CopyOptions& options,
                      const Control& control) {
    CopyResult result;
    result.super = super_block_for(target.size_bytes(), image.algorithm(), target.name());
    const Geometry geometry(result.super.counts);
    require_room(image, target.size_bytes(), target.name());
    control.begin(image.geometry().logical_bytes());
    result.written_bytes = invalidate_target(target, options.target_content);
    MetaWriter meta(target, geometry, options.target_content);
    std::mutex mutex;
    const WindowIndex end{std::min(image.geometry().window_count(), geometry.window_count())};
    MetaCursor ahead(image);
    for (WindowIndex first = ahead.next_mapped({0}); first < end;) {
        meta.begin_span(first);
        const WindowIndex limit = std::min(meta.span_end(), end);
        MappedBatches batches(image, first, limit);
        for_each<WindowBatch>(
            control, [&](WindowBatch& batch) { return batches.take(batch); },
            [&] {
                return [&, copier = std::make_unique<WindowCopier>(image, target, geometry)](
                           WindowBatch& batch) {
                    ExtentTotals totals;
                    for (std::uint64_t i = 0; i < batch.count; ++i) {
                        const WindowIndex window = batch.first + i;
                        copier->copy(window, totals).encode(meta.slot(window));
                        // The buffer is used again.
                        copier->finish();
                    }
                    control.advance((batch.skipped + batch.count) * window_bytes);
                    const std::lock_guard guard(mutex);
                    result.extents += totals;
                };
            });
        control.syncing();
        target.sync();
        meta.commit_span();
        first = limit < end ? ahead.next_mapped(limit) : end;
    }
    meta.finish();
    result.written_bytes += result.extents.payload_sectors * sector_bytes + meta.written_bytes() +
                            write_super_block_last(target, result.super, options.identity);
    return result;
}

}  // namespace insitu
