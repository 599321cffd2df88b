// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <vector>

#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/store.hpp"
#include "window/plan.hpp"

namespace insitu {

// Reads whole sectors and gives their hashes, `unknown_sector_hash` for those that cannot be read
// (and their bytes are undefined then). `hashes` has one place a sector. Never throws `io` Errors.
void read_and_hash(const Store& store, std::uint64_t at_byte, ByteSpan output,
                   std::span<std::uint32_t> hashes);

// What the held payloads of a window are to change in place.
struct ChangedSectors {
    struct Piece {
        RedoPiece place;
        ByteView bytes;  // of a held payload, which the plan keeps
    };
    std::vector<Piece> pieces;
    std::vector<std::uint32_t> old_hashes;  // one a sector of each piece
};

// Sectors that have their new content in place already are kept. What is not `on_medium`, needed by
// the map there, has no known content: it is written in any case. `buffer` is of a window.
ChangedSectors changed_sectors(const Store& store, std::uint64_t window_at_byte,
                               const WindowPlan& plan, const SectorMask& on_medium,
                               AlignedBuffer& buffer);

}  // namespace insitu
