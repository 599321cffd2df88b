// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/open_image.hpp"

namespace insitu {

// Bytes of the logical device.
struct ByteRange {
    std::uint64_t at_byte = 0;
    std::uint64_t length_bytes = 0;

    std::uint64_t end_byte() const noexcept { return at_byte + length_bytes; }
};

struct TrimOptions {
    enum class Mode {
        free,     // the image is open for writing
        measure,  // nothing is written; freed_bytes is what would be freed
    } mode = Mode::free;
};

// Whole blocks, in bytes.
struct TrimResult {
    std::uint64_t unused_bytes = 0;  // that the ranges cover, mapped or not
    std::uint64_t freed_bytes = 0;   // of them, that were mapped and are not any more
    // Of them, that stay mapped: they share a compressed extent with used blocks, and the image has
    // no hole for the journal that protects those.
    std::uint64_t kept_bytes = 0;
};

// Unmaps the blocks that lie as a whole in the ranges, in any order, which may touch and overlap:
// they read as zeros afterwards and take no space. Whoever names a range says that its content is
// not needed; nothing here looks at it. Everything is durable on return, as a flush() is, and a
// power cut leaves each block unmapped or as it was; open the image with
// UnprotectedCommits::refuse, or a full one can lose blocks beside them. Throws a `refused` Error
// for a range beyond the end, before anything is changed, and what OpenedImage throws: what was
// freed by then stays freed.
INSITU_API TrimResult trim(OpenedImage& image, std::vector<ByteRange> unused,
                           const TrimOptions& options, const Control& control);

}  // namespace insitu
