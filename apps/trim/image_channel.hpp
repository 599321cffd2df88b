// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/open_image.hpp"
#include "mkfs/ext_handle.hpp"

namespace insitu::apps {

// Lets libext2fs read the content of an image, from a byte on. Nothing can be written through it.
// libext2fs names what it opens by a path, so there is one at a time: the manager reads the image
// of the channel that exists.
class ImageChannel {
  public:
    ImageChannel(const OpenedImage& image, std::uint64_t at_byte);
    ~ImageChannel();
    ImageChannel(const ImageChannel&) = delete;
    ImageChannel& operator=(const ImageChannel&) = delete;

    // For ExtHandle, while this exists.
    static io_manager manager() noexcept;
    // Whether the magic of an ext file system is where it has to be.
    bool holds_ext() const;

  private:
    const OpenedImage& image_;
    std::uint64_t at_byte_;
};

}  // namespace insitu::apps
