// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/manifest.hpp"
#include "common/tool.hpp"
#include "insitu/repair.hpp"

namespace insitu::apps {

// Says how many blocks are not compared, since the manifest has no hash of some extents.
void tell_of_unknown_blocks(const Tool& tool, const ManifestFile& manifest);

// Throws a `refused` Error unless an image, as a repair would make it, is what all hashes of a
// manifest say. A dump has no hash of the whole: nothing is asked of it here.
void prove_by_sums(const ManifestFile& manifest, const Store& result, const Control& control);

}  // namespace insitu::apps
