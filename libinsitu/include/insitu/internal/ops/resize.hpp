// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/store.hpp"

namespace insitu {

struct ResizeOptions {
    // Gives the store this size, longer or shorter; empty for a device. It has to be at least as
    // large as the larger of both images then.
    std::function<void(std::uint64_t size_bytes)> set_size = {};
    // Blocks that are moved at a time; memory is as much.
    std::uint64_t batch_blocks = 4096;
};

struct ResizeResult {
    SuperBlock super;
    std::uint64_t moved_blocks = 0;   // that were moved by this call
    std::uint64_t payload_bytes = 0;  // of them, each written once or twice
    bool resumed = false;             // an interrupted resize was completed
};

// Completes an interrupted resize, if there is one; it has the size that was wanted then. None:
// there is nothing to complete. Throws what resize_image() throws.
INSITU_API std::optional<ResizeResult> resume_resize(Store& store, const ResizeOptions& options,
                                                     const Control& control);

// Makes the image in `store` one for a device of `device_bytes`, in place. Where the data area
// starts follows from that size, so payloads move by a few blocks, as they are; meta stays where it
// is. Until that is done, sector 0 says how far it has come (docs/format.md §5), and a cut at any
// write leaves either image or one that is refused until resume_resize(). A batch that would be
// moved over itself is written to scratch space first: free blocks at the end of the store, or
// behind it if it can be made longer; at most half of what is mapped. A pending intent is applied
// first. Throws a `refused` Error that names the last mapped block if it would be cut, for a size
// that the driver cannot use, and for an interrupted resize; a `damaged` one for meta that makes no
// sense; these come before anything is changed. `io` and `cancelled` ones leave work to be resumed.
INSITU_API ResizeResult resize_image(Store& store, std::uint64_t device_bytes,
                                     const ResizeOptions& options, const Control& control);

}  // namespace insitu
