// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/delta.hpp"

#include <xxhash.h>

#include <cstddef>
#include <cstring>

#include "format/little_endian.hpp"

namespace insitu {

namespace {

constexpr char delta_magic[] = "INSITUDL";
constexpr std::size_t magic_bytes = 8;
constexpr std::uint64_t delta_version = 1;

struct DiskDelta {
    char magic[magic_bytes];
    LittleEndian<std::uint64_t> version;
    LittleEndian<std::uint64_t> meta_blocks;
    LittleEndian<std::uint64_t> data_blocks;
    std::uint8_t comp_alg;
    std::byte unused_1[7];
    LittleEndian<std::uint64_t> base_hash;
    LittleEndian<std::uint64_t> result_hash;
    LittleEndian<std::uint64_t> record_bytes;
    LittleEndian<std::uint64_t> record_hash;
    std::byte unused_2[sector_bytes - 80];
    LittleEndian<std::uint64_t> hash;  // XXH3 of the bytes before and of the identity
    std::byte identity[sector_bytes];  // as in sector 7 of an image, or zeros
};
static_assert(offsetof(DiskDelta, base_hash) == 40);
static_assert(offsetof(DiskDelta, hash) == 504);
static_assert(offsetof(DiskDelta, identity) == sector_bytes);
static_assert(sizeof(DiskDelta) == delta_header_bytes);

std::uint64_t hash_of(const DiskDelta& disk) noexcept {
    return XXH3_64bits_withSeed(&disk, offsetof(DiskDelta, hash),
                                XXH3_64bits(disk.identity, sizeof disk.identity));
}

}  // namespace

void encode_delta_header(const DeltaHeader& header,
                         std::span<std::byte, delta_header_bytes> out) noexcept {
    DiskDelta disk{};
    std::memcpy(disk.magic, delta_magic, magic_bytes);
    disk.version.set(delta_version);
    disk.meta_blocks.set(header.counts.meta_blocks);
    disk.data_blocks.set(header.counts.data_blocks);
    disk.comp_alg = header.comp_alg;
    disk.base_hash.set(header.base_hash);
    disk.result_hash.set(header.result_hash);
    disk.record_bytes.set(header.record_bytes);
    disk.record_hash.set(header.record_hash);
    if (header.identity) encode_identity(*header.identity, disk.identity);
    disk.hash.set(hash_of(disk));
    std::memcpy(out.data(), &disk, sizeof disk);
}

std::optional<DeltaHeader> decode_delta_header(
    std::span<const std::byte, delta_header_bytes> bytes) {
    DiskDelta disk;
    std::memcpy(&disk, bytes.data(), sizeof disk);
    if (std::memcmp(disk.magic, delta_magic, magic_bytes) != 0) return std::nullopt;
    if (disk.hash.get() != hash_of(disk) || disk.version.get() != delta_version) {
        return std::nullopt;
    }
    DeltaHeader header;
    header.counts = {disk.meta_blocks.get(), disk.data_blocks.get()};
    header.comp_alg = disk.comp_alg;
    header.base_hash = disk.base_hash.get();
    header.result_hash = disk.result_hash.get();
    header.record_bytes = disk.record_bytes.get();
    header.record_hash = disk.record_hash.get();
    header.identity = decode_identity(disk.identity);
    return header;
}

}  // namespace insitu
