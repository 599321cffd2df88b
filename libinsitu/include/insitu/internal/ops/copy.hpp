// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/meta_writer.hpp"
#include "insitu/internal/image/totals.hpp"
#include "insitu/internal/ops/update_totals.hpp"
#include "insitu/pack.hpp"
#include "insitu/store.hpp"

namespace insitu {

// How payloads are compressed again.
struct RecodeOptions {
    EncoderOptions codec = {};
    ExtentPolicy extents = {};
    Seals seals = Seals::write;
    // At least this part of a window's payloads has to be saved, or the window is copied as it is;
    // none: all are encoded. For the algorithm of the source only. 0 to 99.
    std::optional<unsigned> worth_percent = {};
};

struct CopyOptions {
    TargetContent target_content = TargetContent::unknown;
    // The name of the copy; none: it has no name.
    std::optional<Identity> identity = {};
    // None: payloads are copied as they are.
    std::optional<RecodeOptions> recode = {};
};

struct CopyResult {
    SuperBlock super;
    ExtentTotals extents;
    std::uint64_t written_bytes = 0;
    std::uint64_t recoded_windows = 0;
};

struct UpdateOptions {
    // The name that the target is to have; none: no name.
    std::optional<Identity> identity = {};
    // Whether payloads are read and compared, or those count as equal that are sealed alike: meta,
    // place, length and 32 bits of hash are the same. That is wrong if the target was written by a
    // driver, which can leave a seal on another stream, and with probability 2^-32 for each payload
    // that differs.
    enum class Seals { compare_payloads, trust } seals = Seals::compare_payloads;
    // Whether a window is known to hold the same content in both images, so that its payloads count
    // as equal if they are sealed alike: for a caller that knew, and may not have seen what was
    // written since. Asked if both have the same map of it, which is given, and seals alone do not
    // count. From any thread, for each window once. Not asked when an interrupted update is
    // completed. Empty: nothing is known.
    std::function<bool(WindowIndex, const WindowMap&)> known_equal = {};
};

struct UpdateResult {
    SuperBlock super;
    ExtentTotals extents;  // of the image
    UpdateTotals update;
};

// The number of blocks up to the end of the last mapped extent: an image needs at least as many
// data blocks to hold the same. Reads the meta. Throws `io` Errors.
INSITU_API std::uint64_t used_blocks(const Image& image);

// Throws a `refused` Error that names the last mapped block if the image does not fit a target of
// so many bytes, or the driver cannot use that size.
INSITU_API void require_room(const Image& image, std::uint64_t target_bytes,
                             const std::string& target_name);

// The same, and for options that cannot be had: what copy_image() begins with.
INSITU_API void require_copyable(const Image& image, std::uint64_t target_bytes,
                                 const CopyOptions& options, const std::string& target_name);

// Copies an image over the whole of `target`, which may have another size: payloads as they are,
// with their seals, at their places there; meta made anew. Nothing is decoded, unless it is to be
// compressed again. Payloads are synced
// before the meta that names them, the super block comes last. Throws a `refused` Error that names
// the block if something mapped does not fit, before anything is written; a `damaged` one for meta
// that makes no sense or extents over the borders of windows; `io` and `cancelled` ones. The target
// then holds no image. Memory: 5 MiB of meta and 0.2 MiB a thread.
INSITU_API CopyResult copy_image(const Image& image, Store& target, const CopyOptions& options,
                                 const Control& control);

// Brings an image to what another one holds, of the same algorithm, by writing the sectors that
// differ, once. `target` holds an image of its own size, which need not be that of the source, or
// one whose update was interrupted; a pending intent of it is dropped. A cut leaves the old image,
// the new one, or one that is refused until the next update completes it. An equal image is not
// written to. Errors and memory are those of copy_image(), and a `refused` one for another
// algorithm; those of the target, and of the source's meta, come before anything is written.
INSITU_API UpdateResult update_image(const Image& image, Store& target,
                                     const UpdateOptions& options, const Control& control);

}  // namespace insitu
