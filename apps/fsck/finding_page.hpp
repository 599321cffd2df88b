// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/map_page.hpp"
#include "insitu/store.hpp"

namespace insitu::apps {

// Keeps the first findings and planned repairs for --html, and passes all of them on.
class FindingPage final : public FindingSink {
  public:
    explicit FindingPage(FindingSink& next) : next_(next) {}

    void found(const Finding& finding) override;
    void planned(const PlannedAction& action) override;

    // The page of an image; without a usable super block it has no map. Throws a `cancelled` Error.
    std::string html(const Store& image, std::string title, Json report, const Control& control);

  private:
    FindingSink& next_;
    MapPage page_;
};

}  // namespace insitu::apps
