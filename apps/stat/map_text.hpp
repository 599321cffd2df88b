// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "common/world.hpp"
#include "insitu/internal/ops/region_map.hpp"

namespace insitu::apps {

// What a terminal can show.
struct MapStyle {
    unsigned columns = 80;
    bool utf8 = true;
    bool colours = false;
};

// Of the output and the environment: TERM, NO_COLOR, COLUMNS, LC_ALL, LC_CTYPE, LANG.
MapStyle map_style_of(const World& world);

// How many regions a picture of this width has.
std::uint64_t regions_for(const MapStyle& style);

// A picture of the device: a character a region, by how much of its space the payloads take, rows
// with their byte on the logical device, and a legend. No row is longer than `columns`.
std::string map_text(const RegionMap& map, const MapStyle& style);

}  // namespace insitu::apps
