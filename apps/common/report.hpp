// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/tool.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/image/totals.hpp"

namespace insitu::apps {

// The figures that pack and stat share, as JSON members and as lines of text.
void add_totals(Json& document, const Geometry& geometry, const ExtentTotals& totals);
std::string totals_text(const Geometry& geometry, const ExtentTotals& totals);

// Where everything lies, as a line of text: what -v adds to a report.
std::string layout_text(const Geometry& geometry);

}  // namespace insitu::apps
