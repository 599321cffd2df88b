// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/image_input.hpp"
#include "common/tool.hpp"
#include "insitu/stat.hpp"

namespace insitu::apps {

// The report as values: what --json prints.
Json stat_json(const ImageInput& input, const ImageStat& stat,
               const std::optional<SealCoverage>& seals);

// Prints the report of insitu-stat: sizes and histograms, as text or JSON.
void print_stat(const Tool& tool, const ImageInput& input, const ImageStat& stat,
                const std::optional<SealCoverage>& seals);

}  // namespace insitu::apps
