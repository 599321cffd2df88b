// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/totals.hpp"

namespace insitu {

// What the meta of an image says, summed up.
struct ImageStat {
    ExtentTotals extents;  // sound extents only
    // Extents by their number of blocks, 1..32; index 0 counts longer ones (FORMAT: readable, never
    // written by the driver).
    std::array<std::uint64_t, window_blocks + 1> extents_by_blocks{};
    // Extents by their payload, 1..256 sectors; index 0 counts larger ones.
    std::array<std::uint64_t, window_blocks * sectors_per_block + 1> extents_by_sectors{};
    std::uint64_t crossing_extents = 0;  // over the border of a window
    std::uint64_t faulty_extents = 0;    // whose meta makes no sense
    std::uint64_t faulty_blocks = 0;
    std::uint64_t no_heads = 0;  // of those: the device starts with a tail
    std::uint64_t too_long = 0;  // of those: pieces of an extent over longest_read_blocks

    ImageStat& operator+=(const ImageStat& other) noexcept;
};

// How many of the compressed extents have a seal for their place (docs/format.md §5).
struct SealCoverage {
    std::uint64_t compressed_extents = 0;
    std::uint64_t sealed_extents = 0;
    std::uint64_t unreadable_extents = 0;
};

// Reads the meta and the last sector of each compressed payload; whether a stream fits its seal is
// what check() says. Throws `io` (of the meta) and `cancelled` Errors. 30 KiB a thread.
INSITU_API SealCoverage seal_coverage(const Image& image, const Control& control);

// Reads the whole meta (and nothing else). Throws `io` and `cancelled` Errors. 30 KiB a thread.
INSITU_API ImageStat stat_image(const Image& image, const Control& control);

}  // namespace insitu
