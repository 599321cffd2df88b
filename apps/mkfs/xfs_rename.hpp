// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>

#include "mkfs/xfs_image.hpp"

namespace insitu::apps {

// Gives names in a directory other ones of the same length, and puts its hash index in order again.
// Throws `damaged` and `io` Errors.
void rename_in_xfs(const XfsImage& image, std::uint64_t directory,
                   const std::map<std::string, std::string>& new_names);

// Gives a symbolic link a target of the length that it has. Also puts a long one, which mkfs.xfs
// writes in a form that the kernel refuses, into its right form.
void retarget_in_xfs(const XfsImage& image, std::uint64_t link, const std::string& target);

}  // namespace insitu::apps
