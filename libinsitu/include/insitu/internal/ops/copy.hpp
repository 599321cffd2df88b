// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/meta_writer.hpp"
#include "insitu/internal/image/totals.hpp"
#include "insitu/store.hpp"

namespace insitu {

struct CopyOptions {
    TargetContent target_content = TargetContent::unknown;
    // The name of the copy; none: it has no name.
    std::optional<Identity> identity = {};
};

struct CopyResult {
    SuperBlock super;
    ExtentTotals extents;
    std::uint64_t written_bytes = 0;
};

// The number of blocks up to the end of the last mapped extent: an image needs at least as many
// data blocks to hold the same. Reads the meta. Throws `io` Errors.
INSITU_API std::uint64_t used_blocks(const Image& image);

// Throws a `refused` Error that names the last mapped block if the image does not fit a target of
// so many bytes, or the driver cannot use that size: what copy_image() begins with.
INSITU_API void require_room(const Image& image, std::uint64_t target_bytes,
                             const std::string& target_name);

// Copies an image over the whole of `target`, which may have another size: payloads as they are,
// with their seals, at their places there; meta made anew. Nothing is decoded. Payloads are synced
// before the meta that names them, the super block comes last. Throws a `refused` Error that names
// the block if something mapped does not fit, before anything is written; a `damaged` one for meta
// that makes no sense or extents over the borders of windows; `io` and `cancelled` ones. The target
// then holds no image. Memory: 5 MiB of meta and 0.2 MiB a thread.
INSITU_API CopyResult copy_image(const Image& image, Store& target, const CopyOptions& options,
                                 const Control& control);

}  // namespace insitu
