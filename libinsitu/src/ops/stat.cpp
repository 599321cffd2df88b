#include "insitu/ops/stat.hpp"

#include <algorithm>
#include <memory>
#include <mutex>

#include "engine/for_each.hpp"
#include "insitu/error.hpp"
#include "insitu/format/seal.hpp"
#include "insitu/image/meta_cursor.hpp"
#include "insitu/store/aligned_buffer.hpp"

namespace insitu {

ImageStat& ImageStat::operator+=(const ImageStat& other) noexcept {
    extents += other.extents;
    for (std::size_t i = 0; i < extents_by_blocks.size(); ++i) {
        extents_by_blocks[i] += other.extents_by_blocks[i];
    }
    for (std::size_t i = 0; i < extents_by_sectors.size(); ++i) {
        extents_by_sectors[i] += other.extents_by_sectors[i];
    }
    crossing_extents += other.crossing_extents;
    faulty_extents += other.faulty_extents;
    faulty_blocks += other.faulty_blocks;
    no_heads += other.no_heads;
    too_long += other.too_long;
    return *this;
}

namespace {

// One worker's share of the groups.
class StatWorker {
  public:
    explicit StatWorker(const Image& image) : cursor_(image) {}

    void add_windows(WindowIndex first, WindowIndex end, ImageStat& stat) {
        for (WindowIndex window = cursor_.next_mapped(first); window < end;
             window = cursor_.next_mapped(window + 1)) {
            add_window(window, stat);
        }
    }

  private:
    void add_window(WindowIndex window, ImageStat& stat) {
        const BlockIndex window_first = first_block_of(window);
        for (const StoredExtent& extent : cursor_.extents_touching(window)) {
            // An extent counts in the window of its head.
            if (extent.first < window_first) continue;
            if (extent.fault != ExtentFault::none) {
                ++stat.faulty_extents;
                stat.faulty_blocks += extent.blocks;
                if (extent.fault == ExtentFault::no_head) ++stat.no_heads;
                if (extent.fault == ExtentFault::too_long) ++stat.too_long;
                continue;
            }
            if (extent.unmapped()) continue;
            stat.extents.add(extent.blocks, extent.payload_sectors);
            ++stat.extents_by_blocks[extent.blocks <= window_blocks ? extent.blocks : 0];
            const bool known = extent.payload_sectors < stat.extents_by_sectors.size();
            ++stat.extents_by_sectors[known ? extent.payload_sectors : 0];
            if (extent.end() > window_first + window_blocks) ++stat.crossing_extents;
        }
    }

    MetaCursor cursor_;
};

// Calls add(first, end) for the windows of each step of an image that has mapped ones, by several
// workers, each made by make_worker().
template <class MakeWorker>
void for_each_step(const Image& image, const Control& control, MakeWorker make_worker) {
    constexpr std::uint64_t step = 16 * group_windows;
    const std::uint64_t windows = image.geometry().window_count();
    MetaCursor ahead(image);
    std::uint64_t next = 0;
    for_each<WindowIndex>(
        control,
        [&](WindowIndex& first) {
            // Workers start only where the meta is not a hole.
            if (next >= windows) return false;
            const WindowIndex mapped = ahead.next_mapped({next});
            if (mapped.value >= windows) return false;
            first = {mapped.value / step * step};
            next = first.value + step;
            return true;
        },
        [&] {
            return [worker = make_worker(), windows](WindowIndex first) mutable {
                worker(first, WindowIndex{std::min(first.value + step, windows)});
            };
        });
}

// One worker's share of the payloads' ends.
class SealWorker {
  public:
    explicit SealWorker(const Image& image) : image_(image), cursor_(image) {}

    SealCoverage count(WindowIndex first, WindowIndex end) {
        SealCoverage found;
        for (WindowIndex window = cursor_.next_mapped(first); window < end;
             window = cursor_.next_mapped(window + 1)) {
            for (const StoredExtent& extent : cursor_.extents_touching(window)) {
                const bool compressed = extent.fault == ExtentFault::none && !extent.unmapped() &&
                                        !extent.raw() && window_of(extent.first) == window;
                if (compressed) add(extent, found);
            }
        }
        return found;
    }

  private:
    void add(const StoredExtent& extent, SealCoverage& found) {
        ++found.compressed_extents;
        const std::uint64_t end =
            image_.geometry().block_at_byte(extent.first) + extent.payload_sectors * sector_bytes;
        try {
            image_.store().read_at(end - sector_bytes, sector_.span());
        } catch (const Error&) {
            ++found.unreadable_extents;
            return;
        }
        if (is_sealed(sector_.view(), extent.first, extent.payload_sectors)) ++found.sealed_extents;
    }

    const Image& image_;
    MetaCursor cursor_;
    AlignedBuffer sector_{sector_bytes};
};

}  // namespace

ImageStat stat_image(const Image& image, const Control& control) {
    std::mutex mutex;
    ImageStat total;
    for_each_step(image, control, [&] {
        return
            [&, worker = std::make_unique<StatWorker>(image)](WindowIndex first, WindowIndex end) {
                ImageStat part;
                worker->add_windows(first, end, part);
                const std::lock_guard guard(mutex);
                total += part;
            };
    });
    return total;
}

SealCoverage seal_coverage(const Image& image, const Control& control) {
    std::mutex mutex;
    SealCoverage total;
    for_each_step(image, control, [&] {
        return
            [&, worker = std::make_unique<SealWorker>(image)](WindowIndex first, WindowIndex end) {
                const SealCoverage part = worker->count(first, end);
                const std::lock_guard guard(mutex);
                total.compressed_extents += part.compressed_extents;
                total.sealed_extents += part.sealed_extents;
                total.unreadable_extents += part.unreadable_extents;
            };
    });
    return total;
}

}  // namespace insitu
