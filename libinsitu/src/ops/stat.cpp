#include "insitu/ops/stat.hpp"

#include <algorithm>
#include <mutex>

#include "engine/for_each.hpp"
#include "insitu/image/meta_cursor.hpp"

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

}  // namespace

ImageStat stat_image(const Image& image, const Control& control) {
    constexpr std::uint64_t step = 16 * group_windows;
    const std::uint64_t windows = image.geometry().window_count();
    std::mutex mutex;
    ImageStat total;
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
            return [&, worker = StatWorker(image)](WindowIndex first) mutable {
                ImageStat part;
                worker.add_windows(first, {std::min(first.value + step, windows)}, part);
                const std::lock_guard guard(mutex);
                total += part;
            };
        });
    return total;
}

}  // namespace insitu
