// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "insitu/store.hpp"

namespace insitu::apps {

// A partition table that was made for sectors of 512 bytes, rewritten for sectors of 4096 bytes.
// All content stays at its byte; what changes is how the table counts, and where a GPT itself is.

inline constexpr std::uint64_t small_sector_bytes = 512;
inline constexpr std::uint64_t large_sector_bytes = 4096;

struct Partition {
    unsigned number = 0;  // as the kernel counts
    std::string name;     // of a GPT; may be empty
    std::uint64_t first_byte = 0;
    std::uint64_t end_byte = 0;
};
// "partition 3 (root)"
std::string partition_text(const Partition& partition);

// Bytes that take the place of what the disk has there.
struct DiskPatch {
    std::uint64_t at_byte = 0;
    std::vector<std::byte> bytes;
};

struct DiskTable {
    std::string kind;  // "GPT", "DOS"
    std::vector<Partition> partitions;
    std::vector<DiskPatch> patches;  // rising, apart from each other
    std::vector<std::string> notes;  // what was wrong with it, and is right now
};

// Both throw a `refused` Error that names the partition if one does not start and end at a multiple
// of 4096 bytes, lies where the table has to be, or outside of the disk; for a damaged table; and
// if the new table would overwrite bytes that are in no partition and not zeros. None: there is no
// such table.
std::optional<DiskTable> rewrite_gpt(const Store& disk);
std::optional<DiskTable> rewrite_dos_table(const Store& disk);

// Throws a `refused` Error unless the partition is on the disk, and starts and ends at a multiple
// of 4096 bytes.
void require_aligned(const Store& disk, const Partition& partition);

// Little-endian numbers in bytes.
std::uint64_t load_number(ByteView bytes, std::size_t at, std::size_t length);
void store_number(ByteSpan bytes, std::size_t at, std::size_t length, std::uint64_t value);

}  // namespace insitu::apps
