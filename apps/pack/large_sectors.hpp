// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "common/tool.hpp"
#include "insitu/store.hpp"

namespace insitu::apps {

// A disk that was made for sectors of 512 bytes as it is to be with sectors of 4096 bytes, which
// the driver's device has: its partition table counts in these, and FAT file systems are made anew
// if the programs for that are installed. Warns of what else in the partitions cannot be used with
// such sectors. All other content stays at its byte. `disk` outlives it; `directory` is for what is
// made on the way. Throws `refused`, `io` and `cancelled` Errors.
std::unique_ptr<Store> with_large_sectors(const Tool& tool, const Store& disk,
                                          const std::string& directory);

}  // namespace insitu::apps
