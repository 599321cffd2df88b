// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "insitu/internal/format/window_map.hpp"
#include "insitu/units.hpp"
#include "window/sector_mask.hpp"

namespace insitu {

using HeldPayload = std::shared_ptr<const std::vector<std::byte>>;

// An extent of a window as it is to be, or a run of unmapped blocks. Its payload is held in memory,
// or is in place.
struct PlannedExtent {
    unsigned first = 0;
    unsigned blocks = 1;
    unsigned payload_sectors = 0;
    HeldPayload held;

    unsigned end() const noexcept { return first + blocks; }
    bool unmapped() const noexcept { return payload_sectors == 0; }
    bool raw() const noexcept { return payload_sectors == sectors_per_block * blocks; }
    bool compressed() const noexcept { return !unmapped() && !raw(); }
    bool in_place() const noexcept { return !unmapped() && !held; }
    unsigned first_sector() const noexcept { return first * sectors_per_block; }
};

// A sorted cover of a window without gaps.
using WindowPlan = std::vector<PlannedExtent>;

// Precondition: the map is sound.
WindowPlan plan_of(const WindowMap& map);
WindowMap map_of(const WindowPlan& plan, unsigned blocks);

// The sectors that hold payloads in place.
SectorMask sectors_in_place(const WindowPlan& plan);
// Precondition: the map is sound.
SectorMask sectors_in_place(const WindowMap& map);

}  // namespace insitu
