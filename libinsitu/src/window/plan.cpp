// SPDX-License-Identifier: GPL-2.0-or-later
#include "window/plan.hpp"

namespace insitu {

WindowPlan plan_of(const WindowMap& map) {
    WindowPlan plan;
    for (const Extent extent : map.extents()) {
        if (extent.unmapped() && !plan.empty() && plan.back().unmapped()) {
            plan.back().blocks += extent.blocks;
        } else {
            plan.push_back({extent.first, extent.blocks, extent.payload_sectors, nullptr});
        }
    }
    return plan;
}

WindowMap map_of(const WindowPlan& plan, unsigned blocks) {
    WindowMap map(blocks);
    for (const PlannedExtent& extent : plan) {
        if (!extent.unmapped()) {
            map.set_extent({extent.first, extent.blocks, extent.payload_sectors});
        }
    }
    return map;
}

SectorMask sectors_in_place(const WindowPlan& plan) {
    SectorMask mask;
    for (const PlannedExtent& extent : plan) {
        if (extent.in_place()) mask.add(extent.first_sector(), extent.payload_sectors);
    }
    return mask;
}

SectorMask sectors_in_place(const WindowMap& map) {
    SectorMask mask;
    for (const Extent extent : map.extents())
        mask.add(extent.first * sectors_per_block, extent.payload_sectors);
    return mask;
}

}  // namespace insitu
