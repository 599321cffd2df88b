// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "common/tool.hpp"
#include "pack/disk_table.hpp"

namespace insitu::apps {

// Whether the programs for rebuild_fat() are installed: mcopy(1) and mkfs.vfat(8).
bool can_rebuild_fat();

// Makes a FAT file system with sectors of 4096 bytes that holds what the one in a partition holds,
// with its label and number, and as large. It is read back and compared. Attributes of DOS (hidden,
// system) and boot code are lost; a directory gets the time of the newest file in it. Needs twice
// the size of the partition in `directory` at most. Throws a `refused` Error that names the
// partition if it cannot be done, `io` and `cancelled` ones.
std::unique_ptr<Store> rebuild_fat(const Tool& tool, const Store& disk, const Partition& partition,
                                   const std::string& directory);

}  // namespace insitu::apps
