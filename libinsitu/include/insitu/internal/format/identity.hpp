// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

// The name of an image (docs/format.md §5): UUID and label in sector 7 of block 0, which the driver
// neither reads nor writes. Pure; all functions may be called from any thread.
namespace insitu {

inline constexpr std::uint64_t identity_at_byte = 7 * sector_bytes;
inline constexpr std::size_t label_bytes = 64;  // the longest label

using Uuid = std::array<std::byte, 16>;

struct Identity {
    Uuid uuid{};
    std::string label;  // UTF-8, may be empty
    friend bool operator==(const Identity&, const Identity&) = default;
};

// "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
INSITU_API std::string to_string(const Uuid& uuid);
// From 32 hex digits, with the four hyphens or without any; none for all else.
INSITU_API std::optional<Uuid> parse_uuid(std::string_view text) noexcept;
// Bytes from elsewhere as a UUID: of version 4 for random ones, of version 8 for a digest.
enum class UuidKind { random, digest };
INSITU_API Uuid make_uuid(Uuid bytes, UuidKind kind) noexcept;
// A new one, from the random numbers of the system.
INSITU_API Uuid random_uuid();

// Whether a label can be stored: at most 64 bytes of UTF-8 without control characters.
INSITU_API bool valid_label(std::string_view label) noexcept;

// None if the sector holds anything else: another magic or version, a wrong hash, a label that is
// not valid, bytes that should be zero.
INSITU_API std::optional<Identity> decode_identity(std::span<const std::byte, sector_bytes> sector);
// Precondition: valid_label(identity.label).
INSITU_API void encode_identity(const Identity& identity,
                                std::span<std::byte, sector_bytes> sector) noexcept;

}  // namespace insitu
