// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/format/delta.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/ops/update_totals.hpp"
#include "insitu/store.hpp"

// What an image lacks to become another one of the same size and algorithm, as a file.
namespace insitu {

// XXH3-64 over what an image holds: for each window with mapped blocks, in rising order, its index,
// its 20 bytes of meta and its payloads. Holes, block 0 and bits behind the last block do not
// count. Throws `io`, `cancelled`, and a `damaged` Error for meta that makes no sense.
INSITU_API std::uint64_t content_hash(const Image& image, const Control& control);

struct DeltaResult {
    DeltaHeader header;
    std::uint64_t windows = 0;        // that differ
    std::uint64_t payload_bytes = 0;  // in the file: sectors that the old image does not have
};

// Writes a delta from `before` to `after` to the start of `file`, whose size is the caller's to
// set: delta_header_bytes and header.record_bytes. Reads both images. Throws a `refused` Error if
// their size or algorithm differ; `io`, `damaged` and `cancelled` ones. Memory: 1 MiB.
INSITU_API DeltaResult make_delta(const Image& before, const Image& after,
                                  const std::optional<Identity>& identity, Store& file,
                                  const Control& control);

// Brings the image in `target` to what the delta says: update_image() for images that are
// elsewhere. A pending intent is applied first. The delta is read to its end and the target
// compared with its base before anything is changed, and with the result before it is an image
// again: a `refused` Error for a delta that is torn or of another image, `damaged` if the result is
// not the one that the delta was made for, and the image stays unfinished then. A target that is
// the result already is not written to.
INSITU_API UpdateTotals apply_delta(const Store& file, Store& target, const Control& control);

}  // namespace insitu
