// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <cstring>

#include "codec/byte_words.hpp"

// The tokens of LZO1X, and what each costs. A stream is a row of matches and runs of literals:
//
//   M1  2 bytes  length 2, distance 1..1024, after 1 to 3 literals;
//                length 3, distance 2049..3072, after a run of more
//   M2  2 bytes  length 3..8, distance 1..2048
//   M3  3 bytes  length 2..33, distance 1..16384; each 255 bytes of length more take a byte
//   M4  3 bytes  length 2..9, distance 16385..49151; the same
//   run 1 byte   4..18 literals, with those behind it; more take further bytes
//
// One to three literals need no token: the last byte but one of the match before counts them.
namespace insitu::lzo {

constexpr std::uint32_t m1_distance = 0x400;
constexpr std::uint32_t m2_distance = 0x800;
constexpr std::uint32_t m2_length = 8;
constexpr std::uint32_t m3_distance = 0x4000;
constexpr std::uint32_t m3_length = 33;
constexpr std::uint32_t m4_distance = 0xbfff;
constexpr std::uint32_t m4_length = 9;
constexpr std::uint32_t m3_code = 0x20;
constexpr std::uint32_t m4_code = 0x10;
constexpr std::uint32_t first_literals = 238;  // a stream's first run in a head of one byte
constexpr std::uint32_t counted_literals = 3;  // so many need no head
constexpr std::uint32_t short_literals = 18;   // so many have a head of one byte
constexpr std::uint32_t end_marker_bytes = 3;

// put_literals() and put_match() write up to so many bytes behind what they return, and
// put_literals() reads as many behind the run.
constexpr std::uint32_t overshoot_bytes = 18;

inline unsigned char* put_extension(unsigned char* out, std::uint32_t value) noexcept {
    for (; value > 255; value -= 255)
        *out++ = 0;
    *out++ = static_cast<unsigned char>(value);
    return out;
}

// The head of a run of literals, if it needs one.
inline unsigned char* put_literal_head(unsigned char* out, bool first,
                                       std::uint32_t count) noexcept {
    if (count == 0) return out;
    if (first && count <= first_literals) {
        *out++ = static_cast<unsigned char>(17 + count);
    } else if (count <= counted_literals) {
        out[-2] = static_cast<unsigned char>(out[-2] | count);
    } else if (count <= short_literals) {
        *out++ = static_cast<unsigned char>(count - counted_literals);
    } else {
        *out++ = 0;
        out = put_extension(out, count - short_literals);
    }
    return out;
}

constexpr std::uint32_t literal_cost(bool first, std::uint32_t count) noexcept {
    if (count == 0) return 0;
    if (first && count <= first_literals) return 1 + count;
    if (count <= counted_literals) return count;
    if (count <= short_literals) return 1 + count;
    return 2 + (count - short_literals - 1) / 255 + count;
}

constexpr std::uint32_t match_cost(std::uint32_t length, std::uint32_t distance) noexcept {
    if (distance <= m2_distance && length <= m2_length) return 2;
    const std::uint32_t longest = distance <= m3_distance ? m3_length : m4_length;
    return length <= longest ? 3 : 4 + (length - longest - 1) / 255;
}

inline unsigned char* put_literals(unsigned char* out, bool first, const unsigned char* from,
                                   std::uint32_t count) noexcept {
    constexpr std::uint32_t step = 16;
    if (count > short_literals || first) [[unlikely]] {
        out = put_literal_head(out, first, count);
        for (std::uint32_t done = 0; done < count; done += step)
            std::memcpy(out + done, from + done, step);
        return out + count;
    }
    // Both ways to count them, and the one that is not meant is overwritten or changes nothing.
    out[-2] = static_cast<unsigned char>(out[-2] | (count <= counted_literals ? count : 0));
    *out = static_cast<unsigned char>(count - counted_literals);
    out += count > counted_literals ? 1 : 0;
    std::memcpy(out, from, step);
    std::memcpy(out + step, from + step, short_literals - step);
    return out + count;
}

// A match of M2, M3 or M4: at least 3 bytes, at most m4_distance back.
inline unsigned char* put_match(unsigned char* out, std::uint32_t length,
                                std::uint32_t distance) noexcept {
    const bool short_form = distance <= m2_distance && length <= m2_length;
    const bool near = distance <= m3_distance;
    const std::uint32_t back = near ? distance - 1 : distance - m3_distance;
    const std::uint32_t longest = near ? m3_length : m4_length;
    const std::uint32_t code = near ? m3_code : m4_code | (back >> 14 & 1) << 3;
    if (length <= longest) [[likely]] {
        const std::uint32_t two = (length - 1) << 5 | (back & 7) << 2 | back >> 3 << 8;
        const std::uint32_t three = code | (length - 2) | (back & 0x3fff) << 10;
        store_u32(out, short_form ? two : three);
        return out + (short_form ? 2 : 3);
    }
    *out++ = static_cast<unsigned char>(code);
    out = put_extension(out, length - longest);
    *out++ = static_cast<unsigned char>(back << 2);
    *out++ = static_cast<unsigned char>(back >> 6);
    return out;
}

// A match of M1: 2 bytes, at most m1_distance back, after 1 to 3 literals; or 3 bytes, up to
// m1_distance more than m2_distance back, after a run.
inline unsigned char* put_short_match(unsigned char* out, std::uint32_t length,
                                      std::uint32_t distance) noexcept {
    const std::uint32_t back = distance - 1 - (length == 3 ? m2_distance : 0);
    *out++ = static_cast<unsigned char>((back & 3) << 2);
    *out++ = static_cast<unsigned char>(back >> 2);
    return out;
}

inline unsigned char* put_end_marker(unsigned char* out) noexcept {
    *out++ = m4_code | 1;
    *out++ = 0;
    *out++ = 0;
    return out;
}

}  // namespace insitu::lzo
