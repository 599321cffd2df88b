// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "pack/disk_table.hpp"

namespace insitu::apps {

// The four entries of the first sector of a disk, 512 bytes: a DOS partition table, or what
// protects a GPT from those who know only that.

inline constexpr std::size_t dos_entries = 4;

struct DosEntry {
    std::uint8_t type = 0;
    std::uint32_t first_sector = 0;
    std::uint32_t sectors = 0;
};

bool has_dos_signature(ByteView sector);
DosEntry dos_entry(ByteView sector, std::size_t index);
// With these numbers, and without cylinders, heads and sectors.
void set_dos_entry(ByteSpan sector, std::size_t index, std::uint64_t first_sector,
                   std::uint64_t sectors);

bool has_protective_entry(ByteView sector);
// Beside a GPT: the protective entry covers the disk up to its last sector, others are rewritten.
// Throws `refused` Errors as rewrite_gpt().
void rewrite_dos_entries(const Store& disk, ByteSpan sector, std::uint64_t last_large_sector);

}  // namespace insitu::apps
