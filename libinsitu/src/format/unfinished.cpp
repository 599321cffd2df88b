// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/unfinished.hpp"

#include <xxhash.h>

#include <cstddef>
#include <cstring>

#include "format/little_endian.hpp"

namespace insitu {

namespace {

constexpr char unfinished_magic[] = "INSITUWK";
constexpr std::size_t unfinished_magic_bytes = 8;
constexpr std::uint64_t unfinished_version = 0x100000001;

// Counts and algorithm are where a super block has them. The version is none of a super block, so
// that nobody takes this for one whose magic was lost.
struct DiskUnfinished {
    char magic[unfinished_magic_bytes];
    LittleEndian<std::uint64_t> version;
    LittleEndian<std::uint64_t> meta_blocks;
    LittleEndian<std::uint64_t> data_blocks;
    std::uint8_t comp_alg;
    std::byte unused_1[3];
    LittleEndian<std::uint32_t> kind;
    LittleEndian<std::uint64_t> meta_blocks_before;
    LittleEndian<std::uint64_t> data_blocks_before;
    LittleEndian<std::uint64_t> moved_blocks;
    LittleEndian<std::uint64_t> scratch_at_block;
    LittleEndian<std::uint64_t> scratch_blocks;
    LittleEndian<std::uint64_t> held_blocks;
    LittleEndian<std::uint32_t> held_half;
    std::byte unused_2[sector_bytes - 100];
    LittleEndian<std::uint64_t> hash;  // XXH3 of the bytes before
};
static_assert(offsetof(DiskUnfinished, comp_alg) == 32);
static_assert(offsetof(DiskUnfinished, kind) == 36);
static_assert(offsetof(DiskUnfinished, held_half) == 88);
static_assert(offsetof(DiskUnfinished, hash) == 504);
static_assert(sizeof(DiskUnfinished) == sector_bytes);

std::uint64_t hash_of(const DiskUnfinished& disk) noexcept {
    return XXH3_64bits(&disk, offsetof(DiskUnfinished, hash));
}

}  // namespace

void encode_unfinished(const UnfinishedWork& work,
                       std::span<std::byte, sector_bytes> sector) noexcept {
    DiskUnfinished disk{};
    std::memcpy(disk.magic, unfinished_magic, unfinished_magic_bytes);
    disk.version.set(unfinished_version);
    disk.meta_blocks.set(work.counts.meta_blocks);
    disk.data_blocks.set(work.counts.data_blocks);
    disk.comp_alg = work.comp_alg;
    disk.kind.set(static_cast<std::uint32_t>(work.kind));
    disk.meta_blocks_before.set(work.move.before.meta_blocks);
    disk.data_blocks_before.set(work.move.before.data_blocks);
    disk.moved_blocks.set(work.move.moved_blocks);
    disk.scratch_at_block.set(work.move.scratch_at_block);
    disk.scratch_blocks.set(work.move.scratch_blocks);
    disk.held_blocks.set(work.move.held_blocks);
    disk.held_half.set(work.move.held_half);
    disk.hash.set(hash_of(disk));
    std::memcpy(sector.data(), &disk, sizeof disk);
}

std::optional<UnfinishedWork> decode_unfinished(
    std::span<const std::byte, sector_bytes> sector) noexcept {
    DiskUnfinished disk;
    std::memcpy(&disk, sector.data(), sizeof disk);
    if (std::memcmp(disk.magic, unfinished_magic, unfinished_magic_bytes) != 0) return std::nullopt;
    if (disk.hash.get() != hash_of(disk)) return std::nullopt;
    if (disk.version.get() != unfinished_version) return std::nullopt;
    UnfinishedWork work;
    work.kind = static_cast<WorkKind>(disk.kind.get());
    if (work.kind != WorkKind::update && work.kind != WorkKind::resize) return std::nullopt;
    work.counts = {disk.meta_blocks.get(), disk.data_blocks.get()};
    work.comp_alg = disk.comp_alg;
    work.move.before = {disk.meta_blocks_before.get(), disk.data_blocks_before.get()};
    work.move.moved_blocks = disk.moved_blocks.get();
    work.move.scratch_at_block = disk.scratch_at_block.get();
    work.move.scratch_blocks = disk.scratch_blocks.get();
    work.move.held_blocks = disk.held_blocks.get();
    work.move.held_half = disk.held_half.get();
    return work;
}

}  // namespace insitu
