// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// mkfs.btrfs writes holes out as zeros. So it is given files that are only their units which hold
// data, one behind the other, and each is put where it belongs when the file system is made.
// mkfs.btrfs begins an extent at each multiple of this size, so a unit never shares one.
constexpr std::uint64_t sparse_unit_bytes = std::uint64_t{1} << 20;

// The units of a file that hold data, in order: the n-th is at n * sparse_unit_bytes. What would be
// so small that it were stored in the inode, where there is no place for a hole, has a further one.
std::vector<std::uint64_t> data_units(const Entry& entry);

// The size of these units together; the last one of a file may be cut off by its end.
std::uint64_t squeezed_bytes(const Entry& entry, const std::vector<std::uint64_t>& units);

// Whether it has a unit without data.
bool has_empty_unit(const Entry& entry);

}  // namespace insitu::apps
