// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/window/extent_encoder.hpp"
#include "insitu/internal/window/extent_policy.hpp"
#include "window/extent_cutter.hpp"

namespace insitu {

// What is stored of a part of a window: the payload of an extent, or raw blocks side by side that
// are an extent each.
struct PackedRun {
    unsigned first = 0;   // block in the window, where the payload starts
    unsigned blocks = 0;  // that it covers
    bool raw_blocks = false;
    ByteView payload;  // whole sectors
};

// Makes the map and the payloads of a window from its content. Blocks of zeros are unmapped, runs
// of others are cut into extents; a payload that saves no sector is raw. Writes nothing. What comes
// out depends on content, place and options alone. Not thread-safe: one a thread.
class WindowPacker {
  public:
    WindowPacker(const EncoderOptions& options, ExtentPolicy policy, Seals seals);

    // `content`: 1 to 32 whole blocks. `take` is called for each run, in rising order; its payload
    // is valid until take() returns. What take() throws ends the work.
    using Take = std::function<void(const PackedRun&)>;
    WindowMap pack(WindowIndex window, ByteView content, const Take& take);

  private:
    struct Cut {
        unsigned first;
        unsigned blocks;
    };

    void pack_run(Cut run);
    void pack_evenly(Cut run);
    void pack_by_content(Cut run);
    void add_extent(Cut cut, ByteView payload);
    void add_raw_blocks(Cut cut);
    ByteView content_of(Cut cut) const;

    ExtentEncoder encoder_;
    Seals seals_;
    ExtentPolicy policy_;
    std::unique_ptr<ExtentCutter> cutter_;  // if the policy wants it

    // The window at work.
    BlockIndex first_block_;
    ByteView content_;
    WindowMap map_;
    const Take* take_ = nullptr;
};

}  // namespace insitu
