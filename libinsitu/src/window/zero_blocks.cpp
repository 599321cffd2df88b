// SPDX-License-Identifier: GPL-2.0-or-later
#include "window/zero_blocks.hpp"

#include <algorithm>
#include <cstring>

namespace insitu {

bool is_zero(ByteView bytes) noexcept {
    constexpr std::size_t words = 8;
    std::size_t at = 0;
    for (; at + words * sizeof(std::uint64_t) <= bytes.size();
         at += words * sizeof(std::uint64_t)) {
        std::uint64_t line[words];
        std::memcpy(line, bytes.data() + at, sizeof line);
        std::uint64_t any = 0;
        for (const std::uint64_t word : line)
            any |= word;
        if (any != 0) return false;
    }
    return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(),
                       [](std::byte byte) { return byte == std::byte{0}; });
}

std::uint32_t nonzero_blocks(ByteView window) noexcept {
    std::uint32_t found = 0;
    for (std::size_t at = 0; at < window.size(); at += block_bytes) {
        const std::size_t length = std::min<std::size_t>(block_bytes, window.size() - at);
        if (!is_zero(window.subspan(at, length))) {
            found |= std::uint32_t{1} << (at / block_bytes);
        }
    }
    return found;
}

}  // namespace insitu
