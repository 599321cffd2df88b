// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "insitu/units.hpp"

namespace insitu {

// Tells whether a deflate stream points further back than the 2 KiB of the driver's own encoder.
// zlib refuses such a stream when it is told that the window has 11 bits: a detector that others
// keep. One a thread.
class DistanceWalker {
  public:
    DistanceWalker();
    ~DistanceWalker();
    DistanceWalker(const DistanceWalker&) = delete;
    DistanceWalker& operator=(const DistanceWalker&) = delete;

    // `stream` is one that a decoder has accepted.
    bool over_2_kib(ByteView stream) noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace insitu
