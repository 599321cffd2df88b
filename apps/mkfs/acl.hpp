// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace insitu::apps {

// One entry of a POSIX ACL, as the kernel's extended attribute has it.
struct AclEntry {
    std::uint16_t tag = 0;  // ACL_USER_OBJ 1, USER 2, GROUP_OBJ 4, GROUP 8, MASK 16, OTHER 32
    std::uint16_t permissions = 0;  // rwx as 4, 2, 1
    std::uint32_t id = 0xffffffff;  // of USER and GROUP
};

// The value of system.posix_acl_access or _default for these entries, which it sorts.
std::string acl_xattr(std::vector<AclEntry> entries);

// The same ACL with the number that means none for entries that are of nobody in particular: some
// writers leave zeros there.
std::string normal_acl(std::string xattr);

// An ACL in the form that XFS keeps, and that form as an extended attribute. Both throw `damaged`
// Errors for what is none.
std::string xfs_acl(const std::string& xattr);
std::string acl_of_xfs(const std::string& acl);

}  // namespace insitu::apps
