// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/stat.hpp"

namespace insitu {

// What the driver sees of a device.
struct DeviceFacts {
    std::uint64_t size_bytes = 0;
    unsigned logical_sector_bytes = 512;
};

// Why the driver would not open an image with this super block on such a device, or should not be
// allowed to; empty: it opens it. `stat` may be null where the meta is not known.
INSITU_API std::vector<std::string> activation_problems(const SuperBlock& super,
                                                        const DeviceFacts& device,
                                                        const ImageStat* stat);

enum class MetaPolicy { writeback, writethrough };
inline constexpr unsigned default_commit_delay_seconds = 5;

// The table line for dmsetup(8) (docs/format.md §3). `commit_delay_seconds` counts for writeback.
INSITU_API std::string table_line(const Geometry& geometry, const std::string& device,
                                  MetaPolicy policy, unsigned commit_delay_seconds);

}  // namespace insitu
