// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace insitu::test {

// A word as it stands on the disk, on every machine.
inline std::array<std::byte, 4> little_endian(std::uint32_t value) {
    std::array<std::byte, 4> bytes;
    for (unsigned i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(value >> (8 * i));
    return bytes;
}

}  // namespace insitu::test
