// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/content_digest.hpp"

#include <xxhash.h>

#include <cstring>

#include "insitu/internal/format/seal.hpp"

namespace insitu {

namespace {

// Words as bytes in the order of the disk, so that a digest is the same on every machine.
template <std::size_t count>
std::array<unsigned char, count * 8> bytes_of(const std::array<std::uint64_t, count>& words) {
    std::array<unsigned char, count * 8> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<unsigned char>(words[i / 8] >> (8 * (i % 8)));
    return bytes;
}

}  // namespace

void ContentDigest::add(BlockIndex first, unsigned blocks, ByteView payload) noexcept {
    const bool raw = payload.size() == blocks * block_bytes;
    const std::uint64_t content =
        raw ? stream_hash(payload, first) : payload_stream_hash(payload, first);
    const auto bytes = bytes_of<4>({first.value, blocks, payload.size(), content});
    const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
    low_ += hash.low64;
    high_ += hash.high64;
}

ContentDigest& ContentDigest::operator+=(const ContentDigest& other) noexcept {
    low_ += other.low_;
    high_ += other.high_;
    return *this;
}

Uuid ContentDigest::uuid(const SuperBlock& super) const noexcept {
    const auto bytes = bytes_of<4>({low_, high_, super.counts.data_blocks, super.comp_alg});
    const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
    const auto words = bytes_of<2>({hash.low64, hash.high64});
    Uuid uuid;
    std::memcpy(uuid.data(), words.data(), uuid.size());
    return make_uuid(uuid, UuidKind::digest);
}

}  // namespace insitu
