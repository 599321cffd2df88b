// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/units.hpp"

// The header of a file that holds what one image lacks to become another (docs/format.md §6). Pure;
// all functions may be called from any thread.
namespace insitu {

struct DeltaHeader {
    BlockCounts counts;                     // of both images
    std::uint8_t comp_alg = 0;              // of both
    std::uint64_t base_hash = 0;            // of meta and payloads of the old image: content_hash()
    std::uint64_t result_hash = 0;          // of the new one
    std::uint64_t record_bytes = 0;         // behind the header
    std::uint64_t record_hash = 0;          // XXH3-64 of them
    std::optional<Identity> identity = {};  // of the new image
    friend bool operator==(const DeltaHeader&, const DeltaHeader&) = default;
};

inline constexpr std::size_t delta_header_bytes = 2 * sector_bytes;

INSITU_API void encode_delta_header(const DeltaHeader& header,
                                    std::span<std::byte, delta_header_bytes> out) noexcept;
// None if the bytes hold anything else, or their hash is wrong. The values are not validated.
INSITU_API std::optional<DeltaHeader> decode_delta_header(
    std::span<const std::byte, delta_header_bytes> bytes);

}  // namespace insitu
