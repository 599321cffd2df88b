// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/units.hpp"

// The bytes of an intent to write (docs/crash-safety.md): slots in sectors of block 0 that the
// driver never reads, and redo streams in holes. Pure: bytes to values and back.
namespace insitu {

inline constexpr unsigned intent_slots = 2;

// Where a slot stands on the device: sectors 1 and 2.
constexpr std::uint64_t intent_slot_at_byte(unsigned slot) noexcept {
    return (1 + slot) * sector_bytes;
}
constexpr unsigned intent_slot_of(std::uint64_t generation) noexcept {
    return static_cast<unsigned>(generation % intent_slots);
}

// Sectors of the device, side by side; 0 sectors where there is no next run.
struct SectorRun {
    std::uint64_t first_sector = 0;
    std::uint32_t sectors = 0;

    std::uint64_t at_byte() const noexcept { return first_sector * sector_bytes; }
    std::uint64_t bytes() const noexcept { return sectors * sector_bytes; }
    friend constexpr bool operator==(SectorRun, SectorRun) = default;
};

// A run begins with the place of the next one.
inline constexpr std::size_t run_link_bytes = 16;
// The longest run: a window.
inline constexpr std::uint32_t longest_run_sectors = window_blocks * sectors_per_block;

INSITU_API void encode_run_link(SectorRun next, std::span<std::byte, run_link_bytes> out) noexcept;
INSITU_API SectorRun unsafe_run_link(std::span<const std::byte, run_link_bytes> link) noexcept;

// What a slot says.
struct Intent {
    std::uint64_t generation = 0;   // from 1 on
    std::uint64_t data_blocks = 0;  // of the image that it belongs to
    std::uint64_t redo_bytes = 0;   // length of the stream without links
    std::uint64_t redo_hash = 0;    // XXH3 of the same bytes
    std::uint64_t stamp = 0;        // of the bitmap, see StampPlace
    SectorRun first;
    friend constexpr bool operator==(const Intent&, const Intent&) = default;
};

INSITU_API void encode_intent(const Intent& intent,
                              std::span<std::byte, sector_bytes> sector) noexcept;
// None where the sector holds no intent or its hash is wrong. The values are not validated.
INSITU_API std::optional<Intent> decode_intent(
    std::span<const std::byte, sector_bytes> sector) noexcept;

using WindowMeta = std::array<std::byte, window_meta_bytes>;

// What a stream holds of one window. Behind it stand `pieces` RedoPieces in rising order, a hash
// for each sector of them, and then the bytes of the written ones. Windows rise, too.
struct RedoWindow {
    WindowIndex window;
    WindowMeta before{};
    WindowMeta after{};
    std::uint32_t pieces = 0;
};

// Sectors of a window's space, counted from its start.
struct RedoPiece {
    enum class Kind {
        written,  // their new content is in the stream; their hashes are of the old one
        kept,     // they belong to a payload of which other sectors are written
    };
    std::uint16_t first_sector = 0;
    std::uint16_t sectors = 0;
    Kind kind = Kind::written;

    std::uint64_t offset_bytes() const noexcept { return first_sector * sector_bytes; }
    std::uint64_t bytes() const noexcept { return sectors * sector_bytes; }
};

inline constexpr std::size_t redo_window_bytes = 52;
inline constexpr std::size_t redo_piece_bytes = 4;
inline constexpr std::size_t redo_hash_bytes = 4;

// Tells what stands in a sector; never `unknown_sector_hash`.
inline constexpr std::uint32_t unknown_sector_hash = 0;
INSITU_API std::uint32_t hash_of_sector(std::span<const std::byte, sector_bytes> sector) noexcept;

INSITU_API void encode_redo_window(const RedoWindow& window,
                                   std::span<std::byte, redo_window_bytes> out) noexcept;
INSITU_API RedoWindow
unsafe_redo_window(std::span<const std::byte, redo_window_bytes> bytes) noexcept;
INSITU_API void encode_redo_piece(RedoPiece piece,
                                  std::span<std::byte, redo_piece_bytes> out) noexcept;
INSITU_API RedoPiece unsafe_redo_piece(std::span<const std::byte, redo_piece_bytes> bytes) noexcept;
INSITU_API void encode_redo_hash(std::uint32_t hash,
                                 std::span<std::byte, redo_hash_bytes> out) noexcept;
INSITU_API std::uint32_t decode_redo_hash(
    std::span<const std::byte, redo_hash_bytes> bytes) noexcept;

// Where a bitmap is stamped: bytes of the meta area behind the last entry, which have no meaning
// and which formatting clears. An intent counts only where it has the bitmap's stamp, so it never
// outlives the bitmap that it was made for. 1 to 8 bytes on every device that the driver can use.
struct StampPlace {
    std::uint64_t at_byte = 0;  // of the device
    std::size_t bytes = 0;
};
INSITU_API StampPlace stamp_place(const Geometry& geometry) noexcept;
INSITU_API void encode_stamp(std::uint64_t stamp,
                             std::span<std::byte, sizeof(std::uint64_t)> out) noexcept;

}  // namespace insitu
