// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

// How a compressed stream stands in its payload (docs/format.md §2.4): the stream, any bytes, and
// a u32 with the stream's length in the last 4 bytes.
namespace insitu {

inline constexpr std::size_t length_word_bytes = 4;

// Sectors that a stream of this length takes with its length word.
constexpr std::uint64_t payload_sectors_for(std::uint64_t stream_bytes) noexcept {
    return ceil_div(stream_bytes + length_word_bytes, sector_bytes);
}

// The longest stream that a writer stores for an extent: a longer one saves no sector.
constexpr std::size_t longest_stream_bytes(unsigned blocks) noexcept {
    return blocks * block_bytes - sector_bytes - length_word_bytes;
}

// The length word of a compressed payload (at least one sector), not validated.
INSITU_API std::uint32_t unsafe_stream_length(ByteView payload) noexcept;

// Whether a stream of this length can be read from a payload of so many sectors at all.
constexpr bool stream_readable(std::uint64_t stream_bytes, std::uint64_t sectors) noexcept {
    return stream_bytes > 0 && stream_bytes + length_word_bytes <= sectors * sector_bytes;
}

// Whether a writer would have given it exactly this many sectors.
constexpr bool stream_fits(std::uint64_t stream_bytes, std::uint64_t sectors) noexcept {
    return stream_bytes > 0 && payload_sectors_for(stream_bytes) == sectors;
}

// Completes a payload whose first `stream_bytes` bytes are the stream: zeros, then the length
// word. `payload` is exactly payload_sectors_for(stream_bytes) sectors long.
INSITU_API void frame_payload(ByteSpan payload, std::uint32_t stream_bytes) noexcept;

}  // namespace insitu
