// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/meta_cursor.hpp"

namespace insitu {

// One mapped extent as dump() tells it.
struct DumpedExtent {
    StoredExtent extent;
    // The length word of a compressed payload (not validated), or the bytes of a raw one; none if
    // it was not asked for or cannot be read.
    std::optional<std::uint64_t> length_bytes;
    // XXH3-128 of the logical content, 32 hex digits; empty if it was not asked for, or if the
    // extent is damaged.
    std::string hash;
    std::string damage;  // why there is no hash
    std::string fault;   // what is wrong with its meta, also if its content can be read
};

// Receives a dump, in order, from one thread at a time.
class INSITU_API DumpSink {
  public:
    virtual ~DumpSink();
    virtual void extent(const DumpedExtent& extent) = 0;
    // The meta of a window that its extents alone do not describe, as it stands on the disk.
    virtual void unsound_window(WindowIndex window,
                                std::span<const std::byte, window_meta_bytes> meta) = 0;
};

struct DumpOptions {
    // Blocks [first, end); extents that start there are told. None: up to the end.
    BlockIndex first = {};
    std::optional<BlockIndex> end = {};
    enum class Payloads { ignore, lengths, hashes } payloads = Payloads::lengths;
};

// Tells every mapped extent. Memory does not depend on the size of the image. Throws `io`,
// `refused` and `cancelled` Errors, and what the sink throws.
INSITU_API void dump(const Image& image, const DumpOptions& options, DumpSink& sink,
                     const Control& control);

}  // namespace insitu
