// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/units.hpp"

namespace insitu::apps {

// The CRC-32 of IEEE 802.3 (reflected, 0xedb88320): what a GPT has over its header and entries, and
// an Android sparse image over its content.
std::uint32_t crc32(ByteView bytes) noexcept;

// That of content which comes in parts, each after the others. A value.
class Crc32 {
  public:
    void add(ByteView bytes) noexcept { add({crc32(bytes), bytes.size()}); }
    void add(const Crc32& part) noexcept;
    // The same bytes so often; takes no longer for more of them.
    void add_repeated(ByteView bytes, std::uint64_t count) noexcept;
    std::uint32_t value() const noexcept { return value_; }

    Crc32() = default;

  private:
    Crc32(std::uint32_t value, std::uint64_t length) : value_(value), length_bytes_(length) {}

    std::uint32_t value_ = 0;
    std::uint64_t length_bytes_ = 0;
};

}  // namespace insitu::apps
