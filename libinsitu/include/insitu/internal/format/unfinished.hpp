// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/units.hpp"

// Sector 0 of an image while a tool changes it in a way that is not usable half done
// (docs/format.md §5): it has another magic than a super block, so the driver refuses the device,
// and says how to go on. Pure; all functions may be called from any thread.
namespace insitu {

enum class WorkKind : std::uint32_t {
    update = 1,  // content is brought to that of another image (insitu-copy --update)
    resize = 2,  // content is moved for another geometry (insitu-resize)
};

// How far a resize has come. Blocks are moved in batches, the last first if the data area moves up.
struct MoveProgress {
    BlockCounts before;              // where blocks are that have not been moved
    std::uint64_t moved_blocks = 0;  // in the order of moving
    // Two halves, one after the other, of this many blocks each, that hold a batch while it is
    // moved over itself; 0: batches are moved without.
    std::uint64_t scratch_at_block = 0;  // of the device
    std::uint64_t scratch_blocks = 0;
    // The batch that is in a half of the scratch space, and may be in place in part; 0: none.
    std::uint64_t held_blocks = 0;
    std::uint32_t held_half = 0;
    friend constexpr bool operator==(const MoveProgress&, const MoveProgress&) = default;
};

struct UnfinishedWork {
    WorkKind kind = WorkKind::update;
    BlockCounts counts;         // of the image when the work is done
    std::uint8_t comp_alg = 0;  // of its super block
    MoveProgress move;          // of a resize
    friend constexpr bool operator==(const UnfinishedWork&, const UnfinishedWork&) = default;
};

INSITU_API void encode_unfinished(const UnfinishedWork& work,
                                  std::span<std::byte, sector_bytes> sector) noexcept;
// None if the sector holds anything else, or its hash is wrong. The values are not validated.
INSITU_API std::optional<UnfinishedWork> decode_unfinished(
    std::span<const std::byte, sector_bytes> sector) noexcept;

}  // namespace insitu
