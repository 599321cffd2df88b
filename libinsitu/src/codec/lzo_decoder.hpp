// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/internal/codec/codec.hpp"

namespace insitu {

// Decodes one LZO1X stream with its end marker (docs/format.md §2.4), as the kernel's
// lzo1x_decompress_safe does: what that refuses is `corrupt` here. `output` may be written behind
// what the stream gives, never behind its own end. Pure; about twice as fast as liblzo2.
DecodeResult decode_lzo(ByteView stream, ByteSpan output) noexcept;

}  // namespace insitu
