// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/tool.hpp"
#include "insitu/finding.hpp"
#include "insitu/internal/ops/region_map.hpp"

namespace insitu::apps {

// What a page shows beside the map. Texts are of any bytes; the page escapes them.
struct MapPage {
    std::string title;
    Json report = Json::object();        // what --json prints; shown as a table, and kept whole
    std::vector<Finding> findings = {};  // the first of them, at most page_list_limit
    std::uint64_t finding_count = 0;     // all
    std::vector<PlannedAction> plan = {};
    std::uint64_t action_count = 0;
};

inline constexpr std::uint64_t page_regions = 4096;  // at most
inline constexpr std::size_t page_list_limit = 1000;

// One HTML page that needs nothing else: the map, histograms, findings. At most 2 MiB.
std::string map_page(const MapPage& page, const RegionMap& map);

// Throws a `refused` Error if there is something in the file that is not such a page.
void check_page_name(const std::string& path);

// Writes it to a file that appears when it is complete. Throws `io` and `refused` Errors.
void write_page(const std::string& path, const std::string& html);

}  // namespace insitu::apps
