// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>

#include "mkfs/btrfs_image.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// Puts the units of squeezed files (see sparse_units.hpp) where they belong, with holes between
// them. `files` has the entries by the numbers of their inodes. Throws `damaged` Errors for what is
// not as mkfs.btrfs makes it, and `io` ones.
void spread_btrfs_files(const BtrfsImage& image,
                        const std::map<std::uint64_t, const Entry*>& files);

}  // namespace insitu::apps
