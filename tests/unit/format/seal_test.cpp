// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/seal.hpp"

#include <cstring>
#include <vector>

#include "support/catch.hpp"

using namespace insitu;

namespace {

std::vector<std::byte> framed(std::uint32_t stream_bytes) {
    std::vector<std::byte> payload(payload_sectors_for(stream_bytes) * sector_bytes);
    for (std::uint32_t i = 0; i < stream_bytes; ++i)
        payload[i] = std::byte{static_cast<unsigned char>(i * 7)};
    frame_payload(payload, stream_bytes);
    return payload;
}

std::uint32_t word_before_end(const std::vector<std::byte>& payload, std::size_t distance) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        word |= std::to_integer<std::uint32_t>(payload[payload.size() - distance + i]) << (8 * i);
    }
    return word;
}

}  // namespace

TEST_CASE("a seal has the bytes that the format says") {
    // By xxhsum -H3 over the 16 bytes of place, and over "abc".
    std::vector<std::byte> payload(sector_bytes);
    std::memcpy(payload.data(), "abc", 3);
    frame_payload(payload, 3);
    seal_payload(payload, {0});
    CHECK(word_before_end(payload, 12) == (0x4c414553U ^ 0x83c66b01U));
    CHECK(word_before_end(payload, 8) == 0x892f3950U);
    CHECK(word_before_end(payload, 4) == 3);
    CHECK(check_seal(payload, {0}) == SealState::right);
}

TEST_CASE("the place is in the tag, and is the seed of the hash") {
    auto payload = framed(600);
    seal_payload(payload, {0x123456789});
    CHECK(word_before_end(payload, 12) == (0x4c414553U ^ 0xaa363fb5U));
    CHECK(word_before_end(payload, 8) == 0xe76db180U);
    CHECK(check_seal(payload, {0x123456789}) == SealState::right);
    CHECK(check_seal(payload, {0x123456788}) == SealState::none);
}

TEST_CASE("a payload needs 12 bytes behind its stream for a seal") {
    for (const std::uint32_t length : {499U, 500U, 501U, 508U, 1012U, 1013U}) {
        auto payload = framed(length);
        const bool room = payload.size() - length >= 12;
        const auto before = payload;
        seal_payload(payload, {9});
        CHECK(seal_fits(length, payload.size() / sector_bytes) == room);
        CHECK((check_seal(payload, {9}) == SealState::right) == room);
        if (!room) CHECK(payload == before);
    }
}

TEST_CASE("each flip of a bit of a sealed stream is seen") {
    auto payload = framed(900);
    seal_payload(payload, {77});
    for (std::size_t bit = 0; bit < std::size_t{900} * 8; bit += 13) {
        const std::byte mask{static_cast<unsigned char>(1U << bit % 8)};
        payload[bit / 8] ^= mask;
        CHECK(check_seal(payload, {77}) == SealState::differs);
        payload[bit / 8] ^= mask;
    }
}

TEST_CASE("a seal of another length or of fewer sectors is none") {
    auto payload = framed(900);
    seal_payload(payload, {77});
    CHECK(is_sealed(ByteView(payload).last(seal_end_bytes), {77}, 2));
    CHECK_FALSE(is_sealed(ByteView(payload).last(seal_end_bytes), {77}, 3));
    payload[payload.size() - 4] ^= std::byte{1};
    CHECK(check_seal(payload, {77}) == SealState::none);
    // A length beyond the payload is never read.
    const std::vector<std::byte> wild(sector_bytes, std::byte{0xff});
    CHECK(check_seal(wild, {77}) == SealState::none);
    CHECK(check_seal(framed(100), {77}) == SealState::none);
}
