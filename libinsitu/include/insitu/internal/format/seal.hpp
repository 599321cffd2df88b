// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/units.hpp"

// Seals of compressed payloads (docs/format.md §5): 8 bytes before the length word, which the
// driver ignores. A seal proves the bytes of the stream, its length and its place. Pure; all
// functions may be called from any thread.
namespace insitu {

inline constexpr std::size_t seal_bytes = 8;
// What a seal and the length word take at the end of a payload.
inline constexpr std::size_t seal_end_bytes = seal_bytes + length_word_bytes;

// Whether payloads that are made get seals.
enum class Seals { write, none };
// Whether what is read has to fit its seal.
enum class SealCheck { verify, ignore };

enum class SealState {
    none,     // no seal: made by the driver, no room, or made for another stream length or place
    right,    // the stream is the one that was sealed
    differs,  // the stream is another one: see seal_differs_text
};

// What a stream that differs from its seal can mean, for messages.
inline constexpr const char* seal_differs_text =
    "content differs from its seal: rot, a torn write, or rewritten by a driver that does not know "
    "seals";

// The hash that a seal has of a stream.
INSITU_API std::uint32_t stream_hash(ByteView stream, BlockIndex first) noexcept;
// The same of the stream in a framed payload, taken from its seal if it has one. Precondition: the
// length word is that of its stream.
INSITU_API std::uint32_t payload_stream_hash(ByteView payload, BlockIndex first) noexcept;

// Whether a payload has room for a seal.
constexpr bool seal_fits(std::uint64_t stream_bytes, std::uint64_t sectors) noexcept {
    return stream_bytes > 0 && stream_bytes + seal_end_bytes <= sectors * sector_bytes;
}

// Seals a framed payload whose extent starts at `first`; does nothing if there is no room.
// Precondition: its length word is that of its stream.
INSITU_API void seal_payload(ByteSpan payload, BlockIndex first) noexcept;

// Whether there is a seal for a stream of this length at this place: `end` is the last
// seal_end_bytes (or more) of a payload of `payload_sectors`. Says nothing of the stream.
INSITU_API bool is_sealed(ByteView end, BlockIndex first, std::uint64_t payload_sectors) noexcept;

// Compares the stream with the seal. `payload` is that of a compressed extent, whole sectors; any
// bytes are allowed.
INSITU_API SealState check_seal(ByteView payload, BlockIndex first) noexcept;

}  // namespace insitu
