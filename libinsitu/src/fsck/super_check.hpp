// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <vector>

#include "insitu/finding.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/store.hpp"

namespace insitu {

// What a store's super block is worth.
struct SuperVerdict {
    SuperBlock stored;
    std::vector<Finding> findings;
    // By which the image is read and repaired; none where nothing can be said of it.
    std::optional<SuperBlock> usable;
    // The size that the stored counts belong to, where that is not the size of the store.
    std::optional<std::uint64_t> wanted_bytes;
    // `usable` differs from `stored` only in fields that -y may write.
    bool repairable = false;
};

// Reads block 0 and judges it. Where the algorithm is in doubt, decodes a few payloads with both.
// Throws an `io` Error, or a `refused` one for a store of less than a block.
SuperVerdict judge_super(const Store& store);

// The super block that the size of the store and the payloads on it speak for, whatever stands in
// block 0. Throws a `refused` Error where the driver can use no device of this size, and without a
// single payload that speaks for an image, unless none is asked for.
enum class Evidence { required, waived };
SuperBlock super_from_evidence(const Store& store, Evidence evidence);

}  // namespace insitu
