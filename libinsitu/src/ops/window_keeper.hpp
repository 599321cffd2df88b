// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "insitu/internal/image/window_reader.hpp"

namespace insitu {

// Finds windows of an image that hold given content already. Not thread-safe: one a thread.
class WindowKeeper {
  public:
    explicit WindowKeeper(const Image& image) : image_(image), reader_(image) {}

    // The map of the window, if its extents are those that the driver would write, decode, agree
    // with their seals and give the content (whole blocks, and zeros behind them); none otherwise.
    // Content that decodes is its own proof, whatever the image was through. Throws no Errors.
    std::optional<WindowMap> find(WindowIndex window, ByteView content);

  private:
    bool is_plain(WindowIndex window);

    const Image& image_;
    WindowReader reader_;
    AlignedBuffer content_{window_bytes};
};

}  // namespace insitu
