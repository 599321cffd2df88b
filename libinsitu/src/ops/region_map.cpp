// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/region_map.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "engine/for_each.hpp"
#include "image/window_batches.hpp"
#include "insitu/internal/image/meta_cursor.hpp"

namespace insitu {

Region& Region::operator+=(const Region& other) noexcept {
    blocks += other.blocks;
    mapped_blocks += other.mapped_blocks;
    payload_sectors += other.payload_sectors;
    raw_blocks += other.raw_blocks;
    compressed_extents += other.compressed_extents;
    raw_extents += other.raw_extents;
    faulty_blocks += other.faulty_blocks;
    return *this;
}

namespace {

// Sums up the windows of one batch, which lie in one region.
class RegionWorker {
  public:
    explicit RegionWorker(const Image& image) : cursor_(image) {}

    void add(const WindowBatch& batch) {
        sum_ = {};
        for (std::uint64_t i = 0; i < batch.count; ++i) {
            const WindowIndex window = batch.first + i;
            const auto meta = cursor_.meta(window);
            // Long stretches have the same meta, window after window.
            const bool is_known = is_kept_ &&
                                  std::equal(meta.begin(), meta.end(), kept_meta_.begin()) &&
                                  !cursor_.starts_with_tail(window + 1);
            if (!is_known) look_at(window);
            sum_ += kept_;
        }
    }
    const Region& sum() const noexcept { return sum_; }

  private:
    void look_at(WindowIndex window) {
        const auto meta = cursor_.meta(window);
        std::copy(meta.begin(), meta.end(), kept_meta_.begin());
        kept_ = {};
        const BlockIndex first = first_block_of(window);
        bool is_plain = true;
        for (const StoredExtent& extent : cursor_.extents_touching(window)) {
            is_plain = is_plain && extent.fault == ExtentFault::none &&
                       extent.end() <= first + window_blocks;
            // An extent counts in the window of its head.
            if (extent.first >= first) count(extent);
        }
        is_kept_ = is_plain;
    }

    void count(const StoredExtent& extent) {
        if (extent.fault != ExtentFault::none) {
            kept_.faulty_blocks += extent.blocks;
        } else if (!extent.unmapped()) {
            kept_.mapped_blocks += extent.blocks;
            kept_.payload_sectors += extent.payload_sectors;
            if (extent.raw()) kept_.raw_blocks += extent.blocks;
            ++(extent.raw() ? kept_.raw_extents : kept_.compressed_extents);
        }
    }

    MetaCursor cursor_;
    Region sum_;
    Region kept_;
    std::array<std::byte, window_meta_bytes> kept_meta_{};
    bool is_kept_ = false;  // for a window with the same meta, none of whose extents leave it
};

}  // namespace

RegionMap map_regions(const Image& image, std::uint64_t most_regions, const Control& control) {
    const Geometry& geometry = image.geometry();
    const std::uint64_t windows = geometry.window_count();
    RegionMap map;
    map.windows_per_region = ceil_div(windows, std::max<std::uint64_t>(most_regions, 1));
    // Large regions are whole groups, so that each batch is one group and lies in one region.
    if (map.windows_per_region > group_windows) {
        map.windows_per_region = ceil_div(map.windows_per_region, group_windows) * group_windows;
    }
    map.regions.resize(ceil_div(windows, map.windows_per_region));
    for (std::size_t i = 0; i < map.regions.size(); ++i) {
        const std::uint64_t first = i * map.windows_per_region * window_blocks;
        map.regions[i].blocks =
            std::min(map.windows_per_region * window_blocks, geometry.data_blocks() - first);
    }
    MappedBatches batches(image, {0}, {windows},
                          std::min<std::uint64_t>(map.windows_per_region, group_windows));
    for_each_in_order<WindowBatch>(
        control, [&](WindowBatch& batch) { return batches.take(batch); },
        [&] {
            return OrderedWorker{
                std::make_unique<RegionWorker>(image),
                [](RegionWorker& worker, WindowBatch& batch) { worker.add(batch); },
                [&](RegionWorker& worker, WindowBatch& batch) {
                    map.regions[batch.first.value / map.windows_per_region] += worker.sum();
                }};
        });
    return map;
}

}  // namespace insitu
