// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mkfs/tree_model.hpp"
#include "mkfs/xfs_image.hpp"

namespace insitu::apps {

// The inodes of the entries of a tree, from which mkfs.xfs made this image with `words` for names.
// Throws a `damaged` Error that names what is missing.
std::vector<std::uint64_t> find_xfs_inodes(const XfsImage& image, const Tree& tree,
                                           const std::vector<std::string>& words);

// Puts in what a prototype of mkfs.xfs cannot say: names that are no words, targets of links,
// values of attributes, times, numbers of devices and special bits. Throws `damaged` and `io`
// Errors.
void settle_xfs(const XfsImage& image, const Tree& tree, const std::vector<std::string>& words,
                std::optional<std::int64_t> epoch);

}  // namespace insitu::apps
