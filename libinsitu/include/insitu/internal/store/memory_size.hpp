// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

namespace insitu {

// A number of bytes to be had as memory. Where pointers have 32 bits, a larger one must fail: cut
// to 32 bits it would be a small buffer that is written beyond its end. Throws std::bad_alloc.
inline std::size_t memory_size(std::uint64_t size_bytes) {
    if (size_bytes > std::numeric_limits<std::size_t>::max() / 2) throw std::bad_alloc();
    return static_cast<std::size_t>(size_bytes);
}

}  // namespace insitu
