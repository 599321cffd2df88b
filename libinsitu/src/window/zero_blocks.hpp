// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/units.hpp"

namespace insitu {

// Whether all bytes are zeros. Reads 64 bytes at a time; stops at the first that is not.
bool is_zero(ByteView bytes) noexcept;

// A bit for each block of a window (at most 32 blocks) that holds something else than zeros. A last
// block that is not whole counts with the bytes it has.
std::uint32_t nonzero_blocks(ByteView window) noexcept;

}  // namespace insitu
