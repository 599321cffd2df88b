// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/tool.hpp"
#include "insitu/finding.hpp"
#include "insitu/internal/ops/region_map.hpp"
#include "insitu/internal/store/output_file.hpp"

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

// The file that --html names. It is opened before the work, so that a name where no page can be
// written is refused at once, and appears when write() is done.
class PageFile {
  public:
    // An empty path: no page is wanted. Throws `io` Errors, and `refused` ones if the file is that
    // of the image, where the report goes, or holds something that is not such a page.
    PageFile(const Tool& tool, const std::string& path, const std::string& image);

    bool is_wanted() const noexcept { return file_ != nullptr; }
    // Makes the page and writes it. If that fails, says so and goes on: the report still has to be
    // printed. Returns what that adds to the exit status: `failed`, or nothing. Throws `cancelled`.
    int write(const std::function<std::string()>& html, int failed);

  private:
    const Tool& tool_;
    std::string path_;
    std::unique_ptr<OutputFile> file_;
};

}  // namespace insitu::apps
