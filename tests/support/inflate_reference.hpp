// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

#include "insitu/units.hpp"

namespace insitu::test {

// Whether zlib, with a window of so many bits, inflates exactly this content of exactly this
// stream. Both go in pieces of `piece` bytes: zlib sees a distance beyond its window only if the
// output comes in pieces.
bool inflates_to(ByteView stream, ByteView content, int window_bits, std::size_t piece);

}  // namespace insitu::test
