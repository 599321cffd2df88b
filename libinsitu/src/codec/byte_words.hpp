// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

// Words of bytes for the encoders. Every word is read as little-endian, so that hashes, and with
// them the streams, are the same on every machine.
namespace insitu {

static_assert(std::endian::native == std::endian::little ||
              std::endian::native == std::endian::big);

inline std::uint32_t load_u32(const unsigned char* from) noexcept {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap32(value);
    return value;
}

inline std::uint64_t load_u64(const unsigned char* from) noexcept {
    std::uint64_t value;
    std::memcpy(&value, from, sizeof value);
    if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
    return value;
}

inline void store_u32(unsigned char* to, std::uint32_t value) noexcept {
    if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap32(value);
    std::memcpy(to, &value, sizeof value);
}

inline void store_u64(unsigned char* to, std::uint64_t value) noexcept {
    if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
    std::memcpy(to, &value, sizeof value);
}

// The first byte, counted from 0, in which two words differ; `difference` is their XOR, not 0.
inline std::uint32_t first_difference(std::uint64_t difference) noexcept {
    return static_cast<std::uint32_t>(__builtin_ctzll(difference)) / 8;
}

// The bytes that two places have in common, at most `limit`: so many can be read at `later`.
inline std::uint32_t common_bytes(const unsigned char* later, const unsigned char* earlier,
                                  std::uint32_t limit) noexcept {
    std::uint32_t length = 0;
    for (; length + sizeof(std::uint64_t) <= limit; length += sizeof(std::uint64_t)) {
        const std::uint64_t difference = load_u64(later + length) ^ load_u64(earlier + length);
        if (difference != 0) return length + first_difference(difference);
    }
    while (length < limit && later[length] == earlier[length])
        ++length;
    return length;
}

// The same where most matches are short and at least a word can be read at `later`.
inline std::uint32_t common_bytes_of_word(const unsigned char* later, const unsigned char* earlier,
                                          std::uint32_t limit) noexcept {
    constexpr std::uint32_t word = sizeof(std::uint64_t);
    const std::uint64_t difference = load_u64(later) ^ load_u64(earlier);
    if (difference != 0) [[likely]]
        return first_difference(difference);
    return word + common_bytes(later + word, earlier + word, limit - word);
}

// A hash of the first `Bytes` bytes of a word, in `Bits` bits.
template <unsigned Bytes, unsigned Bits>
std::uint32_t hash_bytes(std::uint64_t word) noexcept {
    static_assert(Bytes >= 1 && Bytes <= 8 && Bits <= 32);
    constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15;
    return static_cast<std::uint32_t>(((word << (64 - 8 * Bytes)) * golden_ratio) >> (64 - Bits));
}

}  // namespace insitu
