// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "insitu/internal/image/window_reader.hpp"
#include "insitu/internal/ops/known_content.hpp"

namespace insitu {

// Finds what an image holds already of given content. Not thread-safe: one a thread.
class WindowKeeper {
  public:
    // `known` may be null, and outlives this.
    WindowKeeper(const Image& image, const KnownContent* known)
        : image_(image), known_(known), reader_(image) {}

    struct Kept {
        WindowMap map;             // the extents that can stay, and nothing else
        std::uint32_t blocks = 0;  // a bit for each of their blocks
        bool known = false;        // and not decoded as a whole
    };
    // The extents of a window that hold what `content` has there (whole blocks; zeros after them):
    // all of them and no others, if they decode to just that and agree with their seals, or those
    // that are known to, and show no sign of being otherwise. None, if the driver would not write
    // the window like that. Content that decodes is its own proof, whatever the image was through.
    // Throws no Errors.
    Kept find(WindowIndex window, ByteView content);
    // `content` with zeros in place of what stays; empty if all of it is zeros then. Valid until
    // the next call of anything.
    ByteView rest(const Kept& kept, ByteView content);

  private:
    bool is_plain(WindowIndex window);
    Kept find_known(WindowIndex window, const WindowMap& map, ByteView content,
                    std::uint32_t known);
    bool shows_seal(const StoredExtent& extent);
    bool decodes_to(const StoredExtent& extent, ByteView content);

    const Image& image_;
    const KnownContent* known_;
    WindowReader reader_;
    AlignedBuffer content_{window_bytes};
    AlignedBuffer end_{block_bytes};  // of a payload
};

}  // namespace insitu
