// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>

#include "insitu/internal/image/meta_cursor.hpp"

namespace insitu {

// Consecutive windows of an image for one worker.
struct WindowBatch {
    WindowIndex first;
    std::uint64_t count = 0;
    std::uint64_t skipped = 0;  // unmapped windows between the batch before and this one
};

// Hands out the windows of an image that have mapped blocks, in rising order and in aligned
// batches of at most 1 MiB, or `most_windows`. One caller at a time.
class MappedBatches {
  public:
    // All windows of [first, end).
    MappedBatches(const Image& image, WindowIndex first, WindowIndex end,
                  std::uint64_t most_windows = batch_windows)
        : cursor_(image), next_(first), end_(end), most_windows_(most_windows) {}
    explicit MappedBatches(const Image& image)
        : MappedBatches(image, {0}, {image.geometry().window_count()}) {}

    bool take(WindowBatch& batch) {
        const WindowIndex first = std::min(cursor_.next_mapped(next_), end_);
        const std::uint64_t boundary = (first.value / most_windows_ + 1) * most_windows_;
        const WindowIndex limit = std::min(WindowIndex{boundary}, end_);
        batch = {first, limit.value - std::min(first, limit).value, first.value - next_.value};
        next_ = std::max(first, limit);
        return batch.count != 0;
    }

  private:
    MetaCursor cursor_;
    WindowIndex next_;
    WindowIndex end_;
    std::uint64_t most_windows_;
};

// Hands out all windows of an image in the same way.
class AllBatches {
  public:
    explicit AllBatches(const Image& image) : end_{image.geometry().window_count()} {}

    bool take(WindowBatch& batch) {
        const std::uint64_t boundary = (next_.value / batch_windows + 1) * batch_windows;
        const WindowIndex limit = std::min(WindowIndex{boundary}, end_);
        batch = {next_, limit.value - next_.value, 0};
        next_ = limit;
        return batch.count != 0;
    }

  private:
    WindowIndex next_{0};
    WindowIndex end_;
};

}  // namespace insitu
