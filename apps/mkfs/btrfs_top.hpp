// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>

#include "mkfs/btrfs_image.hpp"

namespace insitu::apps {

// Gives the top directory its extended attributes: mkfs.btrfs does not look at those of its
// directory itself. Throws a `refused` Error if the leaves of the tree have no room for them, and
// `damaged` and `io` ones.
void add_btrfs_top_xattrs(const BtrfsImage& image,
                          const std::map<std::string, std::string>& xattrs);

}  // namespace insitu::apps
