// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/codec/codec.hpp"

#include <zlib.h>

#include <vector>

#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using test::Content;

namespace {

std::vector<EncoderOptions> all_encoders() {
    std::vector<EncoderOptions> all;
    for (const Level level : {Level::fast, Level::normal, Level::best}) {
        all.push_back({Algorithm::lzo, level, DeflateWindow::kib2});
        all.push_back({Algorithm::deflate, level, DeflateWindow::kib2});
        all.push_back({Algorithm::deflate, level, DeflateWindow::kib32});
    }
    return all;
}

std::vector<std::byte> encode(const EncoderOptions& options, ByteView input) {
    std::vector<std::byte> output(encode_bound_bytes(input.size()));
    const auto encoder = make_encoder(options);
    output.resize(encoder->encode(input, output, output.size()));
    return output;
}

// Whether zlib with an 11-bit window inflates a stream. It sees the window only where its output
// comes in small pieces: inside one buffer it lets every distance pass.
bool inflates_with_2k_window(ByteView stream, std::size_t output_bytes) {
    z_stream z{};
    REQUIRE(inflateInit2(&z, -11) == Z_OK);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(stream.data()));
    z.avail_in = static_cast<uInt>(stream.size());
    int status = Z_OK;
    std::size_t produced = 0;
    while (status == Z_OK) {
        Bytef byte = 0;
        z.next_out = &byte;
        z.avail_out = 1;
        status = inflate(&z, Z_NO_FLUSH);
        produced += 1 - z.avail_out;
    }
    inflateEnd(&z);
    return status == Z_STREAM_END && produced == output_bytes;
}

}  // namespace

TEST_CASE("each encoder's streams decode to what went in") {
    auto random = test::make_random(10);
    for (const EncoderOptions& options : all_encoders()) {
        const auto decoder = make_decoder(options.algorithm);
        for (const Content kind :
             {Content::zeros, Content::text, Content::mixed, Content::repeats, Content::random}) {
            for (const unsigned blocks : {1U, 2U, 7U, 32U}) {
                const auto input = test::make_content(random, kind, blocks * block_bytes);
                const auto stream = encode(options, input);
                REQUIRE_FALSE(stream.empty());
                std::vector<std::byte> output(input.size());
                const DecodeResult result = decoder->decode(stream, output);
                REQUIRE(result.status == DecodeStatus::ok);
                REQUIRE(result.output_bytes == input.size());
                REQUIRE(output == input);
            }
        }
    }
}

TEST_CASE("a stream over the limit does not fit, and the limit itself does") {
    auto random = test::make_random(11);
    const auto input = test::make_content(random, Content::text, 8 * block_bytes);
    for (const EncoderOptions& options : all_encoders()) {
        const auto encoder = make_encoder(options);
        const std::size_t length = encode(options, input).size();
        std::vector<std::byte> output(encode_bound_bytes(input.size()));
        CHECK(encoder->encode(input, output, length - 1) == 0);
        CHECK(encoder->encode(input, output, length + 16) == length);
    }
}

TEST_CASE("deflate streams of the default window stay within 2 KiB") {
    auto random = test::make_random(12);
    // Copies at many distances, near ones and far ones.
    std::vector<std::byte> input = test::make_content(random, Content::random, 4096);
    while (input.size() < 32 * block_bytes) {
        const std::size_t distance = 1 + test::below(random, input.size());
        const std::size_t length = 3 + test::below(random, 400);
        for (std::size_t i = 0; i < length; ++i)
            input.push_back(input[input.size() - distance]);
        input.push_back(static_cast<std::byte>(random()));
    }
    input.resize(32 * block_bytes);
    for (const Level level : {Level::fast, Level::normal, Level::best}) {
        const auto narrow = encode({Algorithm::deflate, level, DeflateWindow::kib2}, input);
        CHECK(inflates_with_2k_window(narrow, input.size()));
        const auto wide = encode({Algorithm::deflate, level, DeflateWindow::kib32}, input);
        CHECK_FALSE(inflates_with_2k_window(wide, input.size()));
        CHECK(wide.size() < narrow.size());
    }
}

TEST_CASE("a decoder checks what it consumed and what it produced") {
    auto random = test::make_random(13);
    const auto input = test::make_content(random, Content::text, 4 * block_bytes);
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        const auto decoder = make_decoder(algorithm);
        auto stream = encode({algorithm, Level::fast, DeflateWindow::kib2}, input);

        std::vector<std::byte> large(input.size() + 1);
        CHECK(decoder->decode(stream, large).status == DecodeStatus::ok);
        CHECK(decoder->decode(stream, large).output_bytes == input.size());
        std::vector<std::byte> small(input.size() - 1);
        CHECK(decoder->decode(stream, small).status == DecodeStatus::overflow);

        stream.push_back(std::byte{0});
        CHECK(decoder->decode(stream, large).status == DecodeStatus::corrupt);
        stream.resize(stream.size() - 3);
        CHECK(decoder->decode(stream, large).status != DecodeStatus::ok);
        CHECK(decoder->decode({}, large).status == DecodeStatus::corrupt);
    }
}

TEST_CASE("decoders survive any input") {
    auto random = test::make_random(14);
    const auto input = test::make_content(random, Content::mixed, 8 * block_bytes);
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        const auto decoder = make_decoder(algorithm);
        const auto sound = encode({algorithm, Level::normal, DeflateWindow::kib2}, input);
        for (int i = 0; i < 4000; ++i) {
            // Exact sizes on the heap: what reads or writes outside is found by the sanitizer.
            std::vector<std::byte> stream(
                sound.begin(),
                sound.begin() + static_cast<std::ptrdiff_t>(1 + test::below(random, sound.size())));
            for (std::uint64_t flips = test::below(random, 8); flips > 0; --flips) {
                stream[test::below(random, stream.size())] = static_cast<std::byte>(random());
            }
            std::vector<std::byte> output(1 + test::below(random, 2 * input.size()));
            const DecodeResult result = decoder->decode(stream, output);
            REQUIRE(result.output_bytes <= output.size());
        }
    }
}
