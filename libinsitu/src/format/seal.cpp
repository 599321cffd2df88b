// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/seal.hpp"

#include <cstring>

#include "format/little_endian.hpp"
#include "format/xxhash_dispatch.hpp"

namespace insitu {

namespace {

constexpr std::uint32_t seal_magic = 0x4c414553;  // "SEAL"

// The end of a sealed payload.
struct DiskSeal {
    LittleEndian<std::uint32_t> tag;
    LittleEndian<std::uint32_t> hash;
    LittleEndian<std::uint32_t> stream_bytes;
};
static_assert(sizeof(DiskSeal) == seal_end_bytes);

// What a tag is the hash of.
struct DiskSealPlace {
    LittleEndian<std::uint64_t> first_block;
    LittleEndian<std::uint32_t> stream_bytes;
    LittleEndian<std::uint32_t> payload_sectors;
};
static_assert(sizeof(DiskSealPlace) == 16);

std::uint32_t tag_of(BlockIndex first, std::uint32_t stream_bytes,
                     std::uint64_t payload_sectors) noexcept {
    DiskSealPlace place;
    place.first_block.set(first.value);
    place.stream_bytes.set(stream_bytes);
    place.payload_sectors.set(static_cast<std::uint32_t>(payload_sectors));
    return seal_magic ^ static_cast<std::uint32_t>(XXH3_64bits(&place, sizeof place));
}

DiskSeal seal_at(ByteView end) noexcept {
    DiskSeal seal;
    std::memcpy(&seal, end.data() + end.size() - sizeof seal, sizeof seal);
    return seal;
}

}  // namespace

std::uint32_t stream_hash(ByteView stream, BlockIndex first) noexcept {
    return static_cast<std::uint32_t>(
        XXH3_64bits_withSeed(stream.data(), stream.size(), first.value));
}

std::uint32_t payload_stream_hash(ByteView payload, BlockIndex first) noexcept {
    if (is_sealed(payload, first, payload.size() / sector_bytes)) {
        return seal_at(payload).hash.get();
    }
    return stream_hash(payload.first(unsafe_stream_length(payload)), first);
}

void seal_payload(ByteSpan payload, BlockIndex first) noexcept {
    const std::uint32_t length = unsafe_stream_length(payload);
    const std::uint64_t sectors = payload.size() / sector_bytes;
    if (!seal_fits(length, sectors)) return;
    DiskSeal seal;
    seal.tag.set(tag_of(first, length, sectors));
    seal.hash.set(stream_hash(payload.first(length), first));
    seal.stream_bytes.set(length);
    std::memcpy(payload.data() + payload.size() - sizeof seal, &seal, sizeof seal);
}

bool is_sealed(ByteView end, BlockIndex first, std::uint64_t payload_sectors) noexcept {
    const DiskSeal seal = seal_at(end);
    const std::uint32_t length = seal.stream_bytes.get();
    return seal_fits(length, payload_sectors) &&
           seal.tag.get() == tag_of(first, length, payload_sectors);
}

SealState check_seal(ByteView payload, BlockIndex first) noexcept {
    if (!is_sealed(payload, first, payload.size() / sector_bytes)) return SealState::none;
    const DiskSeal seal = seal_at(payload);
    const ByteView stream = payload.first(seal.stream_bytes.get());
    return seal.hash.get() == stream_hash(stream, first) ? SealState::right : SealState::differs;
}

}  // namespace insitu
