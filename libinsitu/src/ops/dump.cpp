// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/dump.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/for_each.hpp"
#include "format/xxhash_dispatch.hpp"
#include "image/window_batches.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/image/window_reader.hpp"

namespace insitu {

DumpSink::~DumpSink() = default;

namespace {

struct BlockRange {
    BlockIndex first;
    BlockIndex end;
};

BlockRange range_of(const Image& image, const DumpOptions& options) {
    const BlockIndex last{image.geometry().data_blocks()};
    const BlockRange range{options.first, options.end.value_or(last)};
    if (range.end > last || range.first > range.end) {
        throw Error(ErrorKind::refused, {.file = image.store().name()},
                    fmt::format("blocks {} to {} are not all in the image: its last is {}",
                                range.first.value, std::max(range.end.value, std::uint64_t{1}) - 1,
                                last.value - 1));
    }
    return range;
}

// Collects what a batch of windows holds; tells it when its turn has come.
class DumpWorker {
  public:
    DumpWorker(const Image& image, BlockRange range, DumpOptions::Payloads payloads)
        : image_(image), range_(range), payloads_(payloads), reader_(image) {}

    void collect(const WindowBatch& batch) {
        count_ = 0;
        unsound_.clear();
        examined_ = 0;
        for (std::uint64_t i = 0; i < batch.count; ++i)
            collect_window(batch.first + i);
    }

    void tell(DumpSink& sink) const {
        for (const auto& [window, meta] : unsound_)
            sink.unsound_window(window, meta);
        for (const DumpedExtent& extent : std::span(extents_).first(count_))
            sink.extent(extent);
    }

  private:
    void collect_window(WindowIndex window) {
        const BlockIndex first = first_block_of(window);
        MetaCursor& cursor = reader_.meta();
        bool sound = cursor.map(window).sound();
        for (const StoredExtent& extent : cursor.extents_touching(window)) {
            // Shares may contradict each other only over the border to the next window.
            if (extent.fault != ExtentFault::none) sound = false;
            if (extent.unmapped() || extent.fault == ExtentFault::no_head) continue;
            if (extent.first < std::max(first, range_.first) || extent.first >= range_.end) {
                continue;
            }
            add(extent);
        }
        if (!sound) {
            auto& [index, bytes] = unsound_.emplace_back(window, MetaBytes{});
            const auto meta = cursor.meta(index);
            std::copy(meta.begin(), meta.end(), bytes.begin());
        }
        for (; examined_ < count_; ++examined_)
            examine(extents_[examined_]);
    }

    // Those of the batch before are used again: images have millions.
    void add(const StoredExtent& extent) {
        if (count_ == extents_.size()) extents_.emplace_back();
        DumpedExtent& dumped = extents_[count_++];
        dumped.extent = extent;
        dumped.length_bytes.reset();
        dumped.hash.clear();
        dumped.damage.clear();
        dumped.fault.clear();
    }

    void examine(DumpedExtent& dumped) {
        const StoredExtent& extent = dumped.extent;
        if (extent.fault != ExtentFault::none) dumped.fault = reader_.meta().explain(extent);
        if (payloads_ == DumpOptions::Payloads::ignore) return;
        if (extent.raw()) {
            dumped.length_bytes = extent.blocks * block_bytes;
        } else if (extent.payload_sectors == 0) {
            dumped.length_bytes = 0;
        } else {
            dumped.length_bytes = stream_length(extent);
        }
        if (payloads_ == DumpOptions::Payloads::hashes) hash(dumped);
    }

    std::optional<std::uint64_t> stream_length(const StoredExtent& extent) const {
        const std::uint64_t end =
            image_.geometry().block_at_byte(extent.first) + extent.payload_sectors * sector_bytes;
        // Behind the end there is no length; 0 is what no sound payload has.
        if (end > image_.store().size_bytes()) return 0;
        std::array<std::byte, length_word_bytes> word{};
        try {
            image_.store().read_at(end - word.size(), word);
        } catch (const Error&) {
            return std::nullopt;  // the dump goes on behind an unreadable sector
        }
        return unsafe_stream_length(word);
    }

    void hash(DumpedExtent& dumped) {
        AlignedBuffer content(dumped.extent.blocks * block_bytes);
        if (auto damage = reader_.read_extent(dumped.extent, content.span())) {
            dumped.damage = std::move(damage->text);
            return;
        }
        const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
        dumped.hash = fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
    }

    using MetaBytes = std::array<std::byte, window_meta_bytes>;

    const Image& image_;
    BlockRange range_;
    DumpOptions::Payloads payloads_;
    WindowReader reader_;
    std::vector<DumpedExtent> extents_;  // the first count_ are of this batch
    std::size_t count_ = 0;
    std::vector<std::pair<WindowIndex, MetaBytes>> unsound_;
    std::size_t examined_ = 0;
};

}  // namespace

void dump(const Image& image, const DumpOptions& options, DumpSink& sink, const Control& control) {
    const BlockRange range = range_of(image, options);
    MappedBatches batches(image, window_of(range.first),
                          {ceil_div(range.end.value, window_blocks)});
    for_each_in_order<WindowBatch>(
        control, [&](WindowBatch& batch) { return batches.take(batch); },
        [&] {
            return OrderedWorker{
                std::make_unique<DumpWorker>(image, range, options.payloads),
                [](DumpWorker& worker, WindowBatch& batch) { worker.collect(batch); },
                [&sink](DumpWorker& worker, WindowBatch&) { worker.tell(sink); }};
        });
}

}  // namespace insitu
