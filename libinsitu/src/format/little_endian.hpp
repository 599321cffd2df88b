// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <type_traits>

// Integers of the disk are little-endian. Only the format layer may include this.
namespace insitu {

template <class Integer>
Integer swap_to_little(Integer value) noexcept {
    static_assert(std::is_unsigned_v<Integer>);
    if constexpr (std::endian::native == std::endian::little || sizeof(Integer) == 1) {
        return value;
    } else if constexpr (sizeof(Integer) == 2) {
        return __builtin_bswap16(value);
    } else if constexpr (sizeof(Integer) == 4) {
        return __builtin_bswap32(value);
    } else {
        static_assert(sizeof(Integer) == 8);
        return __builtin_bswap64(value);
    }
}

// An unsigned integer as it stands on the disk: no alignment, little-endian.
template <class Integer>
class LittleEndian {
  public:
    Integer get() const noexcept {
        Integer value;
        std::memcpy(&value, bytes_, sizeof value);
        return swap_to_little(value);
    }
    void set(Integer value) noexcept {
        value = swap_to_little(value);
        std::memcpy(bytes_, &value, sizeof value);
    }

  private:
    std::byte bytes_[sizeof(Integer)];
};

}  // namespace insitu
