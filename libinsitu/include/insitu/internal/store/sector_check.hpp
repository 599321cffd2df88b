// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Content that a device with sectors of 4096 bytes cannot serve: it was made for smaller ones.
struct SmallSectors {
    std::string content;           // "a GPT", "ext2/3/4", "XFS", "FAT"
    std::uint64_t unit_bytes = 0;  // of sectors or blocks that it was made with, below 4096
    std::string remedy;            // how to make it for sectors of 4096 bytes
};

// Reads `output.size()` bytes of raw content from `at_byte` on.
using ContentReader = std::function<void(std::uint64_t at_byte, ByteSpan output)>;

// Looks at the first 36 KiB of a disk's or file system's raw content: a partition table in units of
// 512 bytes, a file system with sectors or blocks below 4096 bytes. The logical device of the
// driver has sectors of 4096 bytes (docs/format.md §3), so it does not find or mount these. None if
// nothing of the kind is recognised. `size_bytes` is the size of the content.
INSITU_API std::optional<SmallSectors> find_small_sectors(std::uint64_t size_bytes,
                                                          const ContentReader& read);

}  // namespace insitu
