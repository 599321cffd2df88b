// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/sha256.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/image/image.hpp"

namespace insitu::apps {

// The SHA-256 of an image's map, `map_sha256` of a manifest (insitu-manifest(5)): how its content
// is cut into extents, and how long their payloads are. Of each window with mapped blocks, in
// rising order: its index as a u64 (little-endian) and its 20 bytes of meta. Who writes to an image
// changes its map more often than not, so it tells a manifest that is out of date. Not thread-safe.
class MapSum {
  public:
    void add(WindowIndex window, const WindowMap& map);
    // 64 hex digits. Ends the computation.
    std::string hex_digits() { return sum_.hex_digits(); }

  private:
    Sha256 sum_;
};

// Reads all meta.
std::string map_sum_of(const Image& image);

}  // namespace insitu::apps
