// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/tool.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/store/sector_check.hpp"

namespace insitu::apps {

// Warns of content that was made for sectors smaller than the 4096 bytes of the driver's device,
// also with -q: who does not hear it finds out when the disk does not mount. `size_bytes` is that
// of the raw content; throws what `read` throws.
void warn_of_small_sectors(const Tool& tool, const std::string& name, std::uint64_t size_bytes,
                           const ContentReader& read);

// The same of what an image holds. Content that cannot be read is left to fsck.
void warn_of_small_sectors(const Tool& tool, const Image& image);

}  // namespace insitu::apps
