// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/crc32.hpp"

#include <zlib.h>

namespace insitu::apps {

static_assert(sizeof(z_off_t) == sizeof(std::uint64_t), "combines sums of any length");

std::uint32_t crc32(ByteView bytes) noexcept {
    return static_cast<std::uint32_t>(
        ::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

void Crc32::add(const Crc32& part) noexcept {
    value_ = static_cast<std::uint32_t>(
        ::crc32_combine(value_, part.value_, static_cast<z_off_t>(part.length_bytes_)));
    length_bytes_ += part.length_bytes_;
}

void Crc32::add_repeated(ByteView bytes, std::uint64_t count) noexcept {
    Crc32 power;  // of the bytes 1, 2, 4 … times
    power.add(bytes);
    for (; count != 0; count >>= 1U) {
        if ((count & 1U) != 0) add(power);
        power.add(Crc32(power));
    }
}

}  // namespace insitu::apps
