// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "insitu/finding.hpp"
#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/internal/fsck/manifest.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/totals.hpp"
#include "insitu/store.hpp"

namespace insitu {

struct CheckOptions {
    // Meta alone (grammar of the bitmap), or every payload decoded as well.
    enum class Depth { meta, payloads } depth = Depth::payloads;
    // Of which deflate streams the largest distance is measured: a sample costs little, all of them
    // about as much as the rest of the check.
    enum class Distances { sample, all } distances = Distances::sample;
    const Manifest* manifest = nullptr;  // outlives the check
    PendingCheck pending = PendingCheck::refuse;
};

struct CheckResult {
    FindingCounts counts;
    // The super block that the image was read with; none if there is no usable one.
    std::optional<SuperBlock> super;
    ExtentTotals extents;              // sound ones; none where the meta alone was checked
    std::uint64_t wide_extents = 0;    // of the walked ones: distances over 2 KiB
    std::uint64_t walked_extents = 0;  // deflate streams whose distances were walked
    // Blocks whose content has the hash that the manifest lists, and blocks whose content differs.
    std::uint64_t confirmed_blocks = 0;
    std::uint64_t contradicted_blocks = 0;

    bool clean() const noexcept { return counts.errors == 0; }
};

// Reads the whole image and reports what is wrong, in rising order; writes nothing. Damage is
// reported to `sink`, never thrown. Memory: 0.6 MiB a thread, whatever the image. Throws
// `cancelled` Errors, `io` ones where the meta itself cannot be read, and `refused` for a store
// that is no image at all, or has a pending intent.
INSITU_API CheckResult check(const Store& store, const CheckOptions& options, FindingSink& sink,
                             const Control& control);

}  // namespace insitu
