// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/units.hpp"

namespace insitu::apps {

// The CRC-32 of IEEE 802.3 (reflected, 0xedb88320), which a GPT has over its header and entries.
inline std::uint32_t crc32(ByteView bytes) noexcept {
    std::uint32_t sum = ~std::uint32_t{0};
    for (const std::byte byte : bytes) {
        sum ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit)
            sum = sum >> 1U ^ ((sum & 1U) != 0 ? 0xedb88320U : 0U);
    }
    return ~sum;
}

}  // namespace insitu::apps
