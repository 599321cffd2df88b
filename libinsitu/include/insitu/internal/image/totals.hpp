// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

namespace insitu {

// What an image holds; sums over its extents.
struct INSITU_API ExtentTotals {
    std::uint64_t mapped_blocks = 0;
    std::uint64_t payload_sectors = 0;
    std::uint64_t compressed_extents = 0;
    std::uint64_t raw_extents = 0;
    // Blocks of a host file system with 4 KiB blocks that the payloads touch.
    std::uint64_t host_blocks = 0;
    // Payload sectors of its extent, summed over every mapped block: what reading each block once
    // by itself would fetch.
    std::uint64_t single_read_sectors = 0;

    // Counts mapped extents of this size.
    void add(std::uint64_t blocks, std::uint64_t sectors, std::uint64_t times = 1) noexcept;
    ExtentTotals& operator+=(const ExtentTotals& other) noexcept;

    // Mean bytes fetched for a random read of one mapped block; 0 without any.
    double mean_read_bytes() const noexcept;
};

}  // namespace insitu
