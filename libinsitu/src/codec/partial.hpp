// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/internal/format/super_block.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Decodes as much of a torn stream as gives output, and returns how many bytes that is. What comes
// out may be wrong from the tear on: the streams have no checksum. Never touches memory outside
// the spans.
std::size_t decode_partly(Algorithm algorithm, ByteView stream, ByteSpan output) noexcept;

// Decodes a stream whose length is not known: `bytes` start with it and go on behind it. Returns
// what it gives where it comes to its own end inside them, else 0.
std::size_t decode_open_end(Algorithm algorithm, ByteView bytes, ByteSpan output) noexcept;

struct OpenEnd {
    std::size_t bytes = 0;
    bool ended = false;  // the stream came to its own end
};
// The same, also for a stream that does not come to its end, or gives less than `output` holds.
OpenEnd decode_until_end(Algorithm algorithm, ByteView bytes, ByteSpan output) noexcept;

}  // namespace insitu
