// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "fsck/window_check.hpp"

namespace insitu {

// What the meta of a damaged window still says, as evidence. A view of the map and the judged
// extents, which outlive it; without a map it says nothing.
class PriorMeta {
  public:
    PriorMeta() = default;
    PriorMeta(const WindowMap* map, std::span<const JudgedExtent> judged);

    // The block seems to be full of payload: raw, or part of a long one.
    bool raw(unsigned block) const noexcept;
    // It names exactly this extent.
    bool agrees(const Extent& extent) const noexcept;
    // It makes no sense where this payload starts, and speaks rather for raw blocks than for it.
    bool denies(const Extent& extent) const noexcept;
    // It is sound and has a payload for this block, though none that decodes.
    bool names_payload(unsigned block) const noexcept;

  private:
    const WindowMap* map_ = nullptr;
    std::span<const JudgedExtent> judged_;
    std::uint32_t nearly_raw_ = 0;  // blocks of extents with broken meta that look like raw ones
};

}  // namespace insitu
