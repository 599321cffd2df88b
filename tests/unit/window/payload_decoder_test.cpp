// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/window/payload_decoder.hpp"

#include <cstring>

#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/window/extent_encoder.hpp"
#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using namespace insitu::test;
using Kind = PayloadFault::Kind;
using Bytes = std::vector<std::byte>;

namespace {

constexpr BlockIndex first{64};
constexpr std::size_t content_bytes = 8 * block_bytes;

struct Sample {
    Bytes content;
    Bytes payload;
};

Sample make_sample(Algorithm algorithm, Seals seals = Seals::write) {
    Random random = make_random(4800);
    Sample sample{make_content(random, Content::text, content_bytes), {}};
    ExtentEncoder encoder({.algorithm = algorithm}, seals);
    const ByteView payload = encoder.encode(first, sample.content);
    sample.payload.assign(payload.begin(), payload.end());
    REQUIRE(sample.payload.size() < content_bytes);
    return sample;
}

void put_length(Bytes& payload, std::uint32_t length) {
    for (unsigned i = 0; i < length_word_bytes; ++i) {
        payload[payload.size() - length_word_bytes + i] =
            static_cast<std::byte>(length >> (8 * i) & 0xff);
    }
}

std::optional<PayloadFault> fault_of(Algorithm algorithm, const Bytes& payload,
                                     std::size_t output_bytes = content_bytes,
                                     SealCheck check = SealCheck::verify,
                                     BlockIndex place = first) {
    PayloadDecoder decoder(algorithm);
    decoder.set_seal_check(check);
    Bytes output(output_bytes);
    return decoder.decode(place, payload, output);
}

}  // namespace

TEST_CASE("a payload gives what was encoded") {
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        for (const Seals seals : {Seals::write, Seals::none}) {
            const Sample sample = make_sample(algorithm, seals);
            PayloadDecoder decoder(algorithm);
            Bytes output(content_bytes);
            CHECK_FALSE(decoder.decode(first, sample.payload, output));
            CHECK(output == sample.content);
        }
    }
}

TEST_CASE("each fault of a payload has its name") {
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        const Sample sample = make_sample(algorithm);
        const std::uint32_t length = unsafe_stream_length(sample.payload);
        const auto with_length = [&](std::uint32_t word) {
            Bytes payload = sample.payload;
            put_length(payload, word);
            return fault_of(algorithm, payload);
        };
        CHECK(with_length(0)->kind == Kind::length);
        CHECK(with_length(0xffffffff)->kind == Kind::length);
        const auto longest = static_cast<std::uint32_t>(sample.payload.size() - length_word_bytes);
        CHECK(with_length(longest + 1)->kind == Kind::length);
        const auto cut = with_length(length - 1);
        REQUIRE(cut);
        CHECK(cut->kind != Kind::length);
        CHECK(fault_of(algorithm, Bytes(sample.payload.size(), std::byte{0xff}))->kind ==
              Kind::length);
        Bytes torn = sample.payload;
        std::fill(torn.begin() + 600, torn.begin() + 700, std::byte{0xff});
        const auto fault = fault_of(algorithm, torn);
        REQUIRE(fault);
        CHECK(fault->kind != Kind::length);
        const auto less = fault_of(algorithm, sample.payload, content_bytes + block_bytes);
        CHECK(less->kind == Kind::too_little);
        CHECK(less->given_bytes == content_bytes);
        CHECK(less->text() == "stream gives 32768 bytes, expected 36864");
        CHECK(fault_of(algorithm, sample.payload, content_bytes - block_bytes)->kind ==
              Kind::too_much);
    }
}

TEST_CASE("a stream is proven by its seal unless that is not asked for") {
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        Sample sample = make_sample(algorithm);
        REQUIRE(check_seal(sample.payload, first) == SealState::right);
        sample.payload[sample.payload.size() - 8] ^= std::byte{1};
        const auto fault = fault_of(algorithm, sample.payload);
        REQUIRE(fault);
        CHECK(fault->kind == Kind::unsealed);
        CHECK(fault->text() == seal_differs_text);
        CHECK_FALSE(fault_of(algorithm, sample.payload, content_bytes, SealCheck::ignore));
        // Sealed for another place is not sealed, and the driver seals nothing.
        CHECK_FALSE(fault_of(algorithm, sample.payload, content_bytes, SealCheck::verify,
                             first + window_blocks));
        CHECK_FALSE(fault_of(algorithm, make_sample(algorithm, Seals::none).payload));
    }
}
