// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <utility>

#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/pack.hpp"
#include "ops/content_digest.hpp"
#include "window/window_packer.hpp"

namespace insitu {

// Packs windows and writes their payloads to their places. One a thread.
class WindowWriter {
  public:
    WindowWriter(const PackOptions& options, const Geometry& geometry, Store& target);

    // Writes (or queues) the payloads of a window, adds them to `totals` and returns its meta.
    // `content` holds whole blocks.
    WindowMap write(WindowIndex window, ByteView content, ExtentTotals& totals);
    // Returns when all payloads are written; throws what went wrong with them.
    void finish() { target_->finish(); }
    // Of what was written since the last call.
    ContentDigest take_digest() noexcept { return std::exchange(digest_, {}); }

  private:
    WindowPacker packer_;
    ContentDigest digest_;
    const Geometry& geometry_;
    std::unique_ptr<WriteQueue> target_;
};

}  // namespace insitu
