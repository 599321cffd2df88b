// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/stat.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/for_each.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

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

// One worker's share of the groups. Sound extents are counted by blocks and sectors, from which
// everything else follows at the end: a scan of all meta is then hardly slower than decoding it.
class StatWorker {
  public:
    explicit StatWorker(const Image& image)
        : cursor_(image), end_{image.geometry().window_count()}, counts_(count_of_counts) {}

    void add_windows(WindowIndex first, WindowIndex end, ImageStat& stat) {
        for (WindowIndex window = cursor_.next_mapped(first); window < end;
             window = cursor_.next_mapped(window + 1)) {
            if (is_repeated(window)) {
                ++repeats_;
                continue;
            }
            count_repeats();
            map_ = cursor_.map(window);
            if (map_.sound() && !cursor_.starts_with_tail(window + 1)) {
                repeats_ = 1;
                const auto meta = cursor_.meta(window);
                std::copy(meta.begin(), meta.end(), repeated_.begin());
            } else {
                add_window(window, stat);
            }
        }
        count_repeats();
        add_counts(stat);
    }

  private:
    static constexpr std::size_t most_sectors = std::size_t{window_blocks} * sectors_per_block;
    static constexpr std::size_t count_of_counts = (window_blocks + 1) * (most_sectors + 1);

    std::uint64_t& count_at(std::size_t blocks, std::size_t sectors) {
        return counts_[blocks * (most_sectors + 1) + sectors];
    }

    // Large stretches of one kind of content have the same meta, window after window.
    bool is_repeated(WindowIndex window) {
        if (repeats_ == 0 || window + 1 >= end_) return false;
        const auto meta = cursor_.meta(window);
        return std::equal(meta.begin(), meta.end(), repeated_.begin()) &&
               !cursor_.starts_with_tail(window + 1);
    }

    // Windows that the driver could have written: no extent leaves them.
    void count_repeats() {
        if (repeats_ == 0) return;
        if (const std::uint32_t singles = map_.single_heads(); singles != 0) {
            const auto shares = map_.count_shares(singles);
            for (std::size_t share = 1; share < shares.size(); ++share)
                count_at(1, share) += repeats_ * shares[share];
        }
        for (std::uint32_t heads = map_.heads_with_tails(); heads != 0; heads &= heads - 1) {
            const Extent extent = map_.extent_at(static_cast<unsigned>(std::countr_zero(heads)));
            count_at(extent.blocks, extent.payload_sectors) += repeats_;
        }
        repeats_ = 0;
    }

    void add_counts(ImageStat& stat) {
        for (std::size_t blocks = 1; blocks <= window_blocks; ++blocks) {
            for (std::size_t sectors = 1; sectors <= blocks * sectors_per_block; ++sectors) {
                std::uint64_t& times = count_at(blocks, sectors);
                if (times == 0) continue;
                stat.extents.add(blocks, sectors, times);
                stat.extents_by_blocks[blocks] += times;
                stat.extents_by_sectors[sectors] += times;
                times = 0;
            }
        }
    }

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
    WindowIndex end_;
    std::vector<std::uint64_t> counts_;
    WindowMap map_;
    std::array<std::byte, window_meta_bytes> repeated_{};
    std::uint64_t repeats_ = 0;  // windows with that map that are not counted yet
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
