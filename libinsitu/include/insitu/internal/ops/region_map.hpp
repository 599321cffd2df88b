// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/image/image.hpp"

namespace insitu {

// Sums over the extents whose heads are in one stretch of a device.
struct Region {
    std::uint64_t blocks = 0;  // of the logical device
    std::uint64_t mapped_blocks = 0;
    std::uint64_t payload_sectors = 0;
    std::uint64_t raw_blocks = 0;  // of the mapped ones
    std::uint64_t compressed_extents = 0;
    std::uint64_t raw_extents = 0;
    std::uint64_t faulty_blocks = 0;  // whose meta makes no sense

    Region& operator+=(const Region& other) noexcept;
    friend bool operator==(const Region&, const Region&) = default;
};

// The device from its first to its last window, in regions of one size; the last may be shorter.
struct RegionMap {
    std::uint64_t windows_per_region = 1;
    std::vector<Region> regions;
};

// Divides a device into at most `most_regions` regions (at least 1) and sums up what the meta says
// of each. Reads the meta and nothing else, holes of it not at all. Memory: 56 bytes a region and
// 30 KiB a thread. Throws `io` and `cancelled` Errors.
INSITU_API RegionMap map_regions(const Image& image, std::uint64_t most_regions,
                                 const Control& control);

}  // namespace insitu
