// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// A UUID (of version 8: made from a digest) for a file system of this type. The same names, kinds,
// modes, sizes and link targets, type and epoch give the same UUID; of times and owners it knows
// nothing, so a tree that was checked out again gives the same.
std::string derive_uuid(const Tree& tree, const std::string& type, std::int64_t epoch);

}  // namespace insitu::apps
