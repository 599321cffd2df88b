// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/content_sum.hpp"

#include <memory>

#include "engine/for_each.hpp"
#include "format/xxhash_dispatch.hpp"
#include "image/window_batches.hpp"
#include "insitu/internal/image/window_reader.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

ContentSums::ContentSums(std::uint64_t window_count)
    : count_(ceil_div(window_count, group_windows)), sums_(std::make_unique<Sum[]>(count_)) {}

void ContentSums::add(WindowIndex window, ByteView content) noexcept {
    if (is_zero(content)) return;
    const XXH128_hash_t hash = XXH3_128bits_withSeed(content.data(), content.size(), window.value);
    Sum& sum = sums_[window.value / group_windows];
    sum.low.fetch_add(hash.low64, std::memory_order_relaxed);
    sum.high.fetch_add(hash.high64, std::memory_order_relaxed);
}

std::optional<WindowIndex> ContentSums::first_difference(const ContentSums& other) const noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        if (sums_[i].low != other.sums_[i].low || sums_[i].high != other.sums_[i].high) {
            return WindowIndex{i * group_windows};
        }
    }
    return std::nullopt;
}

void sum_content(const Image& image, ContentSums& sums, const Control& control) {
    MappedBatches batches(image);
    for_each<WindowBatch>(
        control, [&](WindowBatch& batch) { return batches.take(batch); },
        [&] {
            return [&, reader = std::make_unique<WindowReader>(image),
                    buffer = AlignedBuffer(window_bytes)](WindowBatch& batch) mutable {
                for (std::uint64_t i = 0; i < batch.count; ++i) {
                    const WindowIndex window = batch.first + i;
                    const ByteSpan content =
                        buffer.first(image.geometry().blocks_in_window(window) * block_bytes);
                    reader->read(window, content, nullptr);
                    sums.add(window, content);
                }
            };
        });
}

}  // namespace insitu
