// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/image/image.hpp"

namespace insitu {

// Sums of the hashes (XXH3, seeded with the window's index) of the windows that are not zeros, a
// sum a group. A sum does not depend on the order, so workers add as they come, and the memory is
// 16 bytes for 128 MiB of device.
class ContentSums {
  public:
    explicit ContentSums(std::uint64_t window_count);

    // Thread-safe. `content` is the window's whole blocks.
    void add(WindowIndex window, ByteView content) noexcept;
    // The first window of the first group whose sums differ.
    std::optional<WindowIndex> first_difference(const ContentSums& other) const noexcept;

  private:
    struct Sum {
        std::atomic<std::uint64_t> low{0};
        std::atomic<std::uint64_t> high{0};
    };
    std::size_t count_;
    std::unique_ptr<Sum[]> sums_;
};

// Adds all windows of an image. Throws as WindowReader::read() does.
void sum_content(const Image& image, ContentSums& sums, const Control& control);

}  // namespace insitu
