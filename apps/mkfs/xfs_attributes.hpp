// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>

#include "mkfs/xfs_image.hpp"

namespace insitu::apps {

// Extended attributes of an XFS. xfs_db(8) makes them, with values of the right length that are
// filled with one letter; the values themselves are put in afterwards, where they lie.

// Whether xfs_db can be told this name, with its prefix: a word of printable ASCII.
bool is_xfs_attribute_word(const std::string& name);

// The commands by which xfs_db makes these attributes of its current inode.
std::string xfs_attribute_commands(const std::map<std::string, std::string>& xattrs);

// Gives the attributes of an inode their values. Throws `damaged` Errors if they are not as
// xfs_db makes them by these commands, and `io` ones.
void fill_xfs_attributes(const XfsImage& image, std::uint64_t inode,
                         const std::map<std::string, std::string>& xattrs);

// The attributes of an inode, with names and values as Linux shows them.
std::map<std::string, std::string> read_xfs_attributes(const XfsImage& image,
                                                       const XfsInode& inode);

}  // namespace insitu::apps
