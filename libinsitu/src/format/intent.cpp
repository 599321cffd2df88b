// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/intent.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "format/little_endian.hpp"

namespace insitu {

namespace {

constexpr std::uint64_t intent_magic = 0x3154494e54495349;  // "ISITNIT1"

struct DiskRun {
    LittleEndian<std::uint64_t> first_sector;
    LittleEndian<std::uint32_t> sectors;
    LittleEndian<std::uint32_t> unused;
};
static_assert(sizeof(DiskRun) == run_link_bytes);

struct DiskIntent {
    LittleEndian<std::uint64_t> magic;
    LittleEndian<std::uint64_t> generation;
    LittleEndian<std::uint64_t> data_blocks;
    LittleEndian<std::uint64_t> redo_bytes;
    LittleEndian<std::uint64_t> redo_hash;
    DiskRun first;
    LittleEndian<std::uint64_t> stamp;
    std::byte unused[sector_bytes - 72];
    LittleEndian<std::uint64_t> hash;  // XXH3 of the bytes before
};
static_assert(sizeof(DiskIntent) == sector_bytes);

struct DiskRedoWindow {
    LittleEndian<std::uint64_t> window;
    std::byte before[window_meta_bytes];
    std::byte after[window_meta_bytes];
    LittleEndian<std::uint32_t> pieces;
};
static_assert(sizeof(DiskRedoWindow) == redo_window_bytes);

struct DiskRedoPiece {
    LittleEndian<std::uint16_t> first_sector;
    LittleEndian<std::uint16_t> sectors_and_kind;  // kept_bit
};
static_assert(sizeof(DiskRedoPiece) == redo_piece_bytes);

constexpr std::uint16_t kept_bit = 0x8000;

DiskRun to_disk(SectorRun run) noexcept {
    DiskRun disk;
    disk.first_sector.set(run.first_sector);
    disk.sectors.set(run.sectors);
    disk.unused.set(0);
    return disk;
}

std::uint64_t hash_of(const DiskIntent& disk) noexcept {
    return XXH3_64bits(&disk, offsetof(DiskIntent, hash));
}

}  // namespace

void encode_run_link(SectorRun next, std::span<std::byte, run_link_bytes> out) noexcept {
    const DiskRun disk = to_disk(next);
    std::memcpy(out.data(), &disk, sizeof disk);
}

SectorRun unsafe_run_link(std::span<const std::byte, run_link_bytes> link) noexcept {
    DiskRun disk;
    std::memcpy(&disk, link.data(), sizeof disk);
    return {disk.first_sector.get(), disk.sectors.get()};
}

void encode_intent(const Intent& intent, std::span<std::byte, sector_bytes> sector) noexcept {
    DiskIntent disk{};
    disk.magic.set(intent_magic);
    disk.generation.set(intent.generation);
    disk.data_blocks.set(intent.data_blocks);
    disk.redo_bytes.set(intent.redo_bytes);
    disk.redo_hash.set(intent.redo_hash);
    disk.first = to_disk(intent.first);
    disk.stamp.set(intent.stamp);
    disk.hash.set(hash_of(disk));
    std::memcpy(sector.data(), &disk, sizeof disk);
}

std::optional<Intent> decode_intent(std::span<const std::byte, sector_bytes> sector) noexcept {
    DiskIntent disk;
    std::memcpy(&disk, sector.data(), sizeof disk);
    if (disk.magic.get() != intent_magic || disk.hash.get() != hash_of(disk)) return std::nullopt;
    return Intent{disk.generation.get(), disk.data_blocks.get(),
                  disk.redo_bytes.get(), disk.redo_hash.get(),
                  disk.stamp.get(),      {disk.first.first_sector.get(), disk.first.sectors.get()}};
}

void encode_redo_window(const RedoWindow& window,
                        std::span<std::byte, redo_window_bytes> out) noexcept {
    DiskRedoWindow disk;
    disk.window.set(window.window.value);
    std::memcpy(disk.before, window.before.data(), window_meta_bytes);
    std::memcpy(disk.after, window.after.data(), window_meta_bytes);
    disk.pieces.set(window.pieces);
    std::memcpy(out.data(), &disk, sizeof disk);
}

RedoWindow unsafe_redo_window(std::span<const std::byte, redo_window_bytes> bytes) noexcept {
    DiskRedoWindow disk;
    std::memcpy(&disk, bytes.data(), sizeof disk);
    RedoWindow window;
    window.window = {disk.window.get()};
    std::memcpy(window.before.data(), disk.before, window_meta_bytes);
    std::memcpy(window.after.data(), disk.after, window_meta_bytes);
    window.pieces = disk.pieces.get();
    return window;
}

std::uint32_t hash_of_sector(std::span<const std::byte, sector_bytes> sector) noexcept {
    const auto hash = static_cast<std::uint32_t>(XXH3_64bits(sector.data(), sector.size()));
    return hash == unknown_sector_hash ? 1 : hash;
}

void encode_redo_piece(RedoPiece piece, std::span<std::byte, redo_piece_bytes> out) noexcept {
    DiskRedoPiece disk;
    disk.first_sector.set(piece.first_sector);
    const std::uint16_t kind = piece.kind == RedoPiece::Kind::kept ? kept_bit : std::uint16_t{0};
    disk.sectors_and_kind.set(static_cast<std::uint16_t>(piece.sectors | kind));
    std::memcpy(out.data(), &disk, sizeof disk);
}

RedoPiece unsafe_redo_piece(std::span<const std::byte, redo_piece_bytes> bytes) noexcept {
    DiskRedoPiece disk;
    std::memcpy(&disk, bytes.data(), sizeof disk);
    const std::uint16_t sectors = disk.sectors_and_kind.get();
    return {disk.first_sector.get(), static_cast<std::uint16_t>(sectors & ~kept_bit),
            (sectors & kept_bit) != 0 ? RedoPiece::Kind::kept : RedoPiece::Kind::written};
}

void encode_redo_hash(std::uint32_t hash, std::span<std::byte, redo_hash_bytes> out) noexcept {
    LittleEndian<std::uint32_t> disk;
    disk.set(hash);
    std::memcpy(out.data(), &disk, sizeof disk);
}

std::uint32_t decode_redo_hash(std::span<const std::byte, redo_hash_bytes> bytes) noexcept {
    LittleEndian<std::uint32_t> disk;
    std::memcpy(&disk, bytes.data(), sizeof disk);
    return disk.get();
}

void encode_stamp(std::uint64_t stamp, std::span<std::byte, sizeof(std::uint64_t)> out) noexcept {
    LittleEndian<std::uint64_t> disk;
    disk.set(stamp);
    std::memcpy(out.data(), &disk, sizeof disk);
}

StampPlace stamp_place(const Geometry& geometry) noexcept {
    const std::uint64_t used_bytes = ceil_div(5 * geometry.data_blocks(), 8);
    const std::uint64_t length =
        std::min<std::uint64_t>(sizeof(Intent::stamp), geometry.meta_bytes() - used_bytes);
    return {geometry.data_at_byte() - length, static_cast<std::size_t>(length)};
}

}  // namespace insitu
