// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/finding_page.hpp"

#include <nlohmann/json.hpp>

#include "insitu/error.hpp"
#include "insitu/internal/image/image.hpp"

namespace insitu::apps {

void FindingPage::found(const Finding& finding) {
    next_.found(finding);
    ++page_.finding_count;
    if (page_.findings.size() < page_list_limit) page_.findings.push_back(finding);
}

void FindingPage::planned(const PlannedAction& action) {
    next_.planned(action);
    ++page_.action_count;
    if (page_.plan.size() < page_list_limit) page_.plan.push_back(action);
}

std::string FindingPage::html(const Store& image, std::string title, Json report,
                              const Control& control) {
    page_.title = std::move(title);
    page_.report = std::move(report);
    RegionMap map;
    try {
        map = map_regions(Image::open(image, SizeCheck::trust_super, PendingCheck::ignore),
                          page_regions, control);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled) throw;
        page_.report["map"] = std::string("none: ") + error.what();
    }
    return map_page(page_, map);
}

}  // namespace insitu::apps
