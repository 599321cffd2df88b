// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <span>
#include <string>

#include "common/manifest.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/image/image.hpp"

namespace insitu::apps {

// A manifest that is taken for what an image holds, so that payloads need not be decoded.
class ImageManifest {
  public:
    // `hint`: the way out if it is refused. Throws an `io` Error, or a `refused` one for what is no
    // manifest, or does not name every extent.
    ImageManifest(const std::string& path, std::string hint);

    // To be called before it is believed: it has to have the size of the image, its UUID and the
    // sum of its map if it has these itself, and some windows of the image, spread over all of it,
    // have to hold what it says. Throws a `refused` Error that says what does not agree.
    void prove(const Image& image) const;

    // What it says of a window, a row for each mapped extent of `map`, which is what the image has
    // of it; none if it cuts the window otherwise: then it is not of this state of the window.
    // Thread-safe.
    std::optional<std::span<const ManifestExtent>> rows_of(WindowIndex window,
                                                           const WindowMap& map) const;
    // A bit for each block in an extent of which it says that it holds what `content` has there;
    // none if rows_of() has none. Thread-safe.
    std::optional<std::uint32_t> known_blocks(WindowIndex window, const WindowMap& map,
                                              ByteView content) const;

  private:
    [[noreturn]] void refuse(const Image& image, const std::string& text) const;
    void require_uuid_of(const Image& image) const;
    void require_map_of(const Image& image) const;
    void require_sample_of(const Image& image) const;

    std::string hint_;
    ManifestFile file_;
    Manifest rows_;
};

}  // namespace insitu::apps
