// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/internal/image/meta_writer.hpp"
#include "insitu/internal/image/totals.hpp"
#include "insitu/internal/ops/content_sink.hpp"
#include "insitu/internal/ops/source.hpp"
#include "insitu/internal/ops/update_totals.hpp"
#include "insitu/internal/window/extent_policy.hpp"
#include "insitu/store.hpp"
#include "insitu/target.hpp"

namespace insitu {

struct PackOptions {
    EncoderOptions codec = {};
    ExtentPolicy extents = {};
    Seals seals = Seals::write;
    // The name of the image. Without a UUID it is given one that follows from what it holds.
    std::optional<Uuid> uuid = {};
    std::string label = {};
    TargetContent target_content = TargetContent::unknown;
    // Read everything back from the medium, decode it and compare.
    enum class Verify { no, yes } verify = Verify::no;
    // If set, receives the content of the source: every window that was read.
    ContentSink* content = nullptr;
};

struct PackResult {
    SuperBlock super;
    Identity identity;
    ExtentTotals extents;
    std::uint64_t source_bytes = 0;
    std::uint64_t written_bytes = 0;       // payloads, meta, super block: all that was written
    std::uint64_t meta_written_bytes = 0;  // of that, meta
    std::uint64_t verified_bytes = 0;
    std::optional<UpdateTotals> update = {};  // of pack_update()
};

// The size of a target for this many logical bytes. Throws a `refused` Error for 0 bytes.
INSITU_API std::uint64_t pack_target_bytes(std::uint64_t logical_bytes);

// The super block of an image of `target_bytes` that is to hold the source. Throws a `refused`
// Error if the driver cannot use that size, or the source is known to be larger. pack() begins with
// this check; call it before anything else changes the target.
INSITU_API SuperBlock super_block_for_source(const Source& source, std::uint64_t target_bytes,
                                             Algorithm algorithm, const std::string& target_name);

// Packs `source` into an image over the whole of `target`. Payloads are synced before the meta
// that names them, the super block comes last. The bytes of the image depend on content and options
// alone. Memory: 5 MiB of meta and 1.5 MiB a thread. Throws `refused`, `io` and `cancelled` Errors
// (and `damaged` when verifying fails); the target then holds no image.
// Not exported: for the tools, who run the protocol of a target by themselves.
INSITU_API PackResult pack(Source& source, Store& target, const PackOptions& options,
                           const Control& control);
// Brings an image to what `source` holds, which may be shorter, by writing the sectors that differ,
// once. `target` is an image of its own size and of the algorithm of `options`, or one whose update
// was interrupted; a pending intent of it is dropped. A window that holds the content already stays
// as it is, however it is cut into extents and compressed; others are encoded as `options` say.
// The name is that of `options` if these have a UUID, otherwise the target's own. A power cut, or a
// source that cannot be read to its end, leaves the old image, the new one, or one that is refused
// until the next update completes it. Errors are those of pack(); memory is that of pack() and
// 0.3 MiB for each thread.
INSITU_API PackResult pack_update(Source& source, Store& target, PackOptions options,
                                  const Control& control);
// pack() into a Target, whose whole protocol is run: prepare, write, commit. Its own content() is
// what counts, not that of `options`. A file has no name, or its old content, if this fails.
INSITU_API PackResult pack(Source& source, Target& target, PackOptions options,
                           const Control& control);

}  // namespace insitu
