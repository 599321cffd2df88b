// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/lost_payloads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "engine/for_each.hpp"
#include "fsck/candidates.hpp"
#include "image/window_batches.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/units/counted.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

constexpr std::uint64_t all_of_the_first = 8192;  // windows: a GiB
constexpr std::uint64_t one_in = 64;

struct LostPayloads {
    std::uint64_t payloads = 0;
    std::uint64_t blocks = 0;  // that they give
    std::optional<BlockIndex> first;
    bool is_sample = false;  // not all unmapped windows were looked into
};

bool is_looked_into(WindowIndex window) {
    return window.value < all_of_the_first || window.value % one_in == 0;
}

// The windows of an image that hold anything on the host, in aligned batches.
class DataBatches {
  public:
    explicit DataBatches(const Image& image) : image_(image) {}

    bool take(WindowBatch& batch) {
        const Geometry& geometry = image_.geometry();
        const WindowIndex end{geometry.window_count()};
        if (next_ >= end) return false;
        const std::uint64_t at = geometry.block_at_byte(first_block_of(next_));
        const std::uint64_t data = std::max(image_.store().next_data(at), at);
        const WindowIndex first =
            std::min(window_of({(data - geometry.data_at_byte()) / block_bytes}), end);
        const WindowIndex limit =
            std::min(WindowIndex{(first.value / batch_windows + 1) * batch_windows}, end);
        batch = {first, limit.value - first.value, first.value - next_.value};
        next_ = limit;
        return batch.count != 0;
    }

  private:
    const Image& image_;
    WindowIndex next_{0};
};

class Searcher {
  public:
    explicit Searcher(const Image& image)
        : image_(image), cursor_(image), finder_(image.algorithm()), content_(window_bytes) {}

    void search(const WindowBatch& batch) {
        found_ = {};
        for (std::uint64_t i = 0; i < batch.count; ++i)
            search(batch.first + i);
    }
    const LostPayloads& found() const noexcept { return found_; }

  private:
    void search(WindowIndex window) {
        const WindowMap map = cursor_.map(window);
        if (!map.sound()) return;
        const auto is_unmapped = [&](unsigned block) {
            return map.share(block) == 0 && !map.is_tail(block);
        };
        for (unsigned first = 0; first < map.blocks(); ++first) {
            unsigned end = first;
            while (end < map.blocks() && is_unmapped(end))
                ++end;
            const bool is_whole_window = end - first == map.blocks();
            if (is_whole_window && !is_looked_into(window)) {
                found_.is_sample = true;
            } else if (end != first) {
                search(window, {first, end - first, 0});
            }
            first = end;
        }
    }

    void search(WindowIndex window, const Extent& unmapped) {
        const ByteSpan bytes = content_.first(unmapped.blocks * block_bytes);
        const std::uint64_t at =
            image_.geometry().block_at_byte(first_block_of(window) + unmapped.first);
        try {
            image_.store().read_at(at, bytes.first(block_bytes));
            if (is_zero(bytes.first(block_bytes))) return;
            image_.store().read_at(at + block_bytes, bytes.subspan(block_bytes));
        } catch (const Error&) {
            return;
        }
        unsigned next = unmapped.first;
        for (const Candidate& candidate : finder_.find(window, bytes, unmapped.first, 0)) {
            const Extent& extent = candidate.extent;
            const unsigned end = extent.first + extent.blocks;
            if (extent.first < next || end > unmapped.first + unmapped.blocks) continue;
            if (candidate.seal == SealState::differs) continue;
            next = end;
            ++found_.payloads;
            found_.blocks += extent.blocks;
            if (!found_.first) found_.first = first_block_of(window) + extent.first;
        }
    }

    const Image& image_;
    MetaCursor cursor_;
    CandidateFinder finder_;
    AlignedBuffer content_;
    LostPayloads found_;
};

}  // namespace

std::optional<Finding> find_lost_payloads(const Image& image, const CheckOptions& options,
                                          const Control& control) {
    const bool meta_only = options.depth == CheckOptions::Depth::meta;
    if (meta_only || options.manifest != nullptr) return std::nullopt;
    LostPayloads all;
    DataBatches batches(image);
    const auto add = [&](Searcher& searcher, WindowBatch&) {
        const LostPayloads& found = searcher.found();
        all.payloads += found.payloads;
        all.blocks += found.blocks;
        all.is_sample |= found.is_sample;
        if (!all.first) all.first = found.first;
    };
    for_each_in_order<WindowBatch>(
        {control.threads, control.stop, nullptr},
        [&](WindowBatch& batch) { return batches.take(batch); },
        [&] {
            return OrderedWorker{
                std::make_unique<Searcher>(image),
                [](Searcher& searcher, WindowBatch& batch) { searcher.search(batch); }, add};
        });
    if (!all.first) return std::nullopt;
    Finding finding = Finding::make(
        FindingId::m07,
        fmt::format(
            "{}{} that {}, of {}: left over from before, as by a server that was killed, or "
            "meta of {} was lost",
            all.is_sample ? "at least " : "", counted(all.payloads, "payload"),
            all.payloads == 1 ? "decodes" : "decode", counted(all.blocks, "block"),
            all.payloads == 1 ? "it" : "them"));
    finding.block = *all.first;
    finding.window = window_of(*all.first);
    finding.at_byte = image.geometry().block_at_byte(*all.first);
    return finding;
}

}  // namespace insitu
