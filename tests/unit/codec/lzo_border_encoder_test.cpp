// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo_border_encoder.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "insitu/internal/codec/codec.hpp"
#include "support/catch.hpp"
#include "support/lzo_reference.hpp"
#include "support/random_content.hpp"
#include "support/sanitizer.hpp"

using namespace insitu;
using test::Content;

namespace {

// Copies of earlier bytes at all distances and lengths, between bytes that match nothing.
std::vector<std::byte> copies(test::Random& random, std::size_t size) {
    std::vector<std::byte> content{std::byte{1}};
    while (content.size() < size) {
        const std::size_t distance =
            1 + test::below(random, std::min<std::size_t>(content.size(), 60000));
        const std::size_t length =
            1 + test::below(random, test::below(random, 20) == 0 ? 9000 : 40);
        for (std::size_t i = 0; i < length; ++i)
            content.push_back(content[content.size() - distance]);
        for (std::uint64_t i = test::below(random, 300); i > 0; i -= 1) {
            content.push_back(static_cast<std::byte>(random()));
            if (test::below(random, 4) != 0) break;
        }
    }
    content.resize(size);
    return content;
}

std::vector<std::byte> content_of_round(test::Random& random, int round, std::size_t size) {
    switch (round % 4) {
        case 0:
            return copies(random, size);
        case 1:
            return test::make_content(random, Content::mixed, size);
        case 2:
            return test::make_content(random, Content::random, size);
        default:
            return test::make_content(random, Content::text, size);
    }
}

// Whether the output starts with a stream of this content, for every reader.
void require_stream(ByteView output, std::uint32_t length, ByteView content) {
    const std::vector<std::byte> stream(output.begin(), output.begin() + length);
    CHECK(stream[0] != std::byte{17});  // newer kernels read it as a version
    std::vector<std::byte> decoded(content.size());
    const auto decoder = make_decoder(Algorithm::lzo);
    const DecodeResult result = decoder->decode(stream, decoded);
    REQUIRE(result.status == DecodeStatus::ok);
    REQUIRE(result.output_bytes == decoded.size());
    REQUIRE(std::equal(decoded.begin(), decoded.end(), content.begin()));
    const auto reference = test::lzo_reference(stream, content.size());
    REQUIRE(reference.has_value());
    REQUIRE(*reference == decoded);
}

// One of each kind.
constexpr std::array levels{Level{1}, Level::fast, Level::normal, Level{4},
                            Level{6}, Level{7},    Level::best};

}  // namespace

TEST_CASE("a stream cut at any border has the length that was told, and decodes") {
    auto random = test::make_random(30);
    std::vector<std::byte> output(LzoBorderEncoder::output_bytes);
    for (const Level level : levels) {
        const auto encoder = make_lzo_border_encoder(level);
        for (unsigned round = 0; round < test::rounds_of(16); ++round) {
            const auto blocks = 1 + static_cast<unsigned>(test::below(random, 32));
            const auto content =
                content_of_round(random, static_cast<int>(round), blocks * block_bytes);
            for (unsigned cut = 1; cut <= blocks; ++cut) {
                encoder->start(content, output);
                for (unsigned reached = 0; reached < cut;) {
                    const auto steps = 1 + static_cast<unsigned>(test::below(random, 5));
                    reached = std::min(blocks, reached + steps);
                    encoder->advance(reached);
                }
                const std::uint32_t told = encoder->length_bytes(cut);
                REQUIRE(encoder->finish(cut) == told);
                require_stream(output, told, ByteView(content).first(cut * block_bytes));
            }
        }
    }
}

TEST_CASE("runs of any size are encoded to their last byte") {
    auto random = test::make_random(32);
    std::vector<std::byte> output(LzoBorderEncoder::output_bytes);
    for (const Level level : levels) {
        const auto encoder = make_lzo_border_encoder(level);
        for (std::size_t size = 1; size < 20000; size += size < 100 ? 1 : 1 + size / 3) {
            // An exact vector: a sanitizer sees a step outside.
            const auto content = content_of_round(random, static_cast<int>(size), size);
            const auto blocks = static_cast<unsigned>(ceil_div(size, block_bytes));
            encoder->start(content, output);
            encoder->advance(blocks);
            const std::uint32_t told = encoder->length_bytes(blocks);
            REQUIRE(encoder->finish(blocks) == told);
            require_stream(output, told, content);
        }
    }
}

TEST_CASE("an output of any size bounds the encoder, and the length that was told fits") {
    auto random = test::make_random(33);
    std::vector<std::byte> wide(LzoBorderEncoder::output_bytes);
    for (const Level level : levels) {
        const auto encoder = make_lzo_border_encoder(level);
        for (unsigned round = 0; round < 60; ++round) {
            const auto blocks = 1 + static_cast<unsigned>(test::below(random, 4));
            const auto content =
                content_of_round(random, static_cast<int>(round), blocks * block_bytes);
            encoder->start(content, wide);
            encoder->advance(blocks);
            const std::uint32_t length = encoder->finish(blocks);
            std::vector<std::byte> output(test::below(random, length + 100));
            encoder->start(content, output);
            encoder->advance(blocks);
            const std::uint32_t told = encoder->length_bytes(blocks);
            if (output.size() < length) CHECK(told == LzoBorderEncoder::does_not_fit);
            if (output.size() > length + 64 + content.size() / 128) CHECK(told == length);
            const std::uint32_t made = encoder->finish(blocks);
            REQUIRE(made == (told == LzoBorderEncoder::does_not_fit ? 0 : length));
            if (made != 0) require_stream(output, made, content);
        }
    }
}

TEST_CASE("what was encoded before leaves no trace in a stream") {
    auto random = test::make_random(31);
    std::vector<std::byte> output(LzoBorderEncoder::output_bytes);
    std::vector<std::byte> fresh_output(LzoBorderEncoder::output_bytes);
    for (const Level level : levels) {
        const auto used = make_lzo_border_encoder(level);
        for (int i = 0; i < 20; ++i) {
            const auto content = test::make_content(random, Content::mixed, 16 * block_bytes);
            used->start(content, output);
            used->advance(16);
            const std::uint32_t length = used->finish(16);
            const auto fresh = make_lzo_border_encoder(level);
            fresh->start(content, fresh_output);
            fresh->advance(16);
            REQUIRE(fresh->finish(16) == length);
            REQUIRE(std::equal(output.begin(), output.begin() + length, fresh_output.begin()));
        }
    }
}
