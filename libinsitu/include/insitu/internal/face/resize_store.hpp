// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/ops/resize.hpp"
#include "insitu/store.hpp"

namespace insitu {

// What size an image is to have.
struct ResizeRequest {
    // Logical; none: the whole of a device, and for a file what an interrupted run was for.
    std::optional<std::uint64_t> logical_bytes = {};
    // As small as the last mapped block allows, with what a pending intent maps.
    enum class Fit { no, minimum } fit = Fit::no;
};

struct ResizeOutcome {
    std::optional<SuperBlock> before;  // none if it was interrupted
    ResizeResult result;
    bool resumed = false;                 // an interrupted resize was completed first
    std::uint64_t recovered_windows = 0;  // of a pending intent that the minimum was found with
    std::uint64_t punched_bytes = 0;      // of holes, given back at the end
};

// The whole protocol of insitu-resize: completes what was interrupted, finds the size, resizes,
// gives holes back, syncs. None if a file is to have no size and nothing was interrupted. Throws
// what resize_image() throws.
INSITU_API std::optional<ResizeOutcome> resize_store(Store& store, const ResizeRequest& request,
                                                     const Control& control);

}  // namespace insitu
