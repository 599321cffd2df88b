// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <utility>

#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/window/extent_encoder.hpp"
#include "insitu/pack.hpp"
#include "ops/content_digest.hpp"
#include "ops/extent_cutter.hpp"

namespace insitu {

// Cuts a window into extents, makes their payloads and writes them. One a thread.
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
    struct Cut {
        unsigned first;
        unsigned blocks;
    };

    void write_run(Cut run);
    void write_evenly(Cut run);
    void write_by_content(Cut run);
    void write_extent(Cut cut);
    void write_raw_blocks(Cut cut);
    void record(Cut cut, ByteView payload);
    ByteView content_of(Cut cut) const;

    ExtentEncoder encoder_;
    Seals seals_;
    ContentDigest digest_;
    ExtentPolicy policy_;
    std::unique_ptr<ExtentCutter> cutter_;  // if the policy wants it
    const Geometry& geometry_;
    std::unique_ptr<WriteQueue> target_;

    // The window at work.
    BlockIndex first_block_;
    ByteView content_;
    WindowMap map_;
    ExtentTotals* totals_ = nullptr;
};

}  // namespace insitu
