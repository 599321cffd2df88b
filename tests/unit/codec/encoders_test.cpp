// SPDX-License-Identifier: GPL-2.0-or-later
// Every encoder, level and content against decoders that others wrote: liblzo2, and zlib with the
// driver's window, fed in pieces.
#include <algorithm>
#include <vector>

#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/payload.hpp"
#include "support/catch.hpp"
#include "support/encoder_content.hpp"
#include "support/inflate_reference.hpp"
#include "support/lzo_reference.hpp"

using namespace insitu;
using Bytes = std::vector<std::byte>;

namespace {

std::vector<EncoderOptions> all_encoders() {
    std::vector<EncoderOptions> all;
    for (std::uint8_t level = 1; level <= 9; ++level) {
        all.push_back({Algorithm::lzo, Level{level}, DeflateWindow::kib2});
        all.push_back({Algorithm::deflate, Level{level}, DeflateWindow::kib2});
    }
    all.push_back({Algorithm::deflate, Level{1}, DeflateWindow::kib32});
    return all;
}

bool reads_back(const EncoderOptions& options, ByteView stream, ByteView content) {
    if (options.algorithm == Algorithm::lzo) {
        const auto decoded = test::lzo_reference(stream, content.size());
        return stream[0] != std::byte{17} && decoded.has_value() &&
               std::equal(decoded->begin(), decoded->end(), content.begin(), content.end());
    }
    const int window_bits = options.window == DeflateWindow::kib2 ? 11 : 15;
    return test::inflates_to(stream, content, window_bits, 1 + content.size() % 7) &&
           test::inflates_to(stream, content, window_bits, 777);
}

}  // namespace

TEST_CASE("every encoder's streams decode with other decoders, whatever went in") {
    auto random = test::make_random(50);
    for (const EncoderOptions& options : all_encoders()) {
        const auto encoder = make_encoder(options);
        for (const auto kind : test::encoder_contents) {
            for (const std::size_t blocks : {1U, 3U, 32U}) {
                const Bytes content =
                    test::make_encoder_content(random, kind, blocks * block_bytes);
                Bytes output(encode_bound_bytes(content.size()));
                const std::size_t length = encoder->encode(content, output, output.size());
                CAPTURE(to_string(options.algorithm), static_cast<unsigned>(options.level),
                        static_cast<unsigned>(kind), blocks);
                REQUIRE(length > 0);
                REQUIRE(reads_back(options, ByteView(output).first(length), content));
            }
        }
    }
}

TEST_CASE("inputs of odd sizes are encoded to their last byte") {
    auto random = test::make_random(51);
    for (const EncoderOptions& options : all_encoders()) {
        const auto encoder = make_encoder(options);
        for (std::size_t size = 1; size < 9000; size += size < 70 ? 1 : 1 + size / 2) {
            for (const auto kind : {test::EncoderContent::copies, test::EncoderContent::runs}) {
                const Bytes content = test::make_encoder_content(random, kind, size);
                Bytes output(encode_bound_bytes(content.size()));
                const std::size_t length = encoder->encode(content, output, output.size());
                CAPTURE(to_string(options.algorithm), static_cast<unsigned>(options.level), size);
                REQUIRE(length > 0);
                REQUIRE(reads_back(options, ByteView(output).first(length), content));
            }
        }
    }
}

TEST_CASE("an encoder stays within its output, and what it makes there reads back") {
    auto random = test::make_random(52);
    for (const EncoderOptions& options : all_encoders()) {
        const auto encoder = make_encoder(options);
        for (const auto kind : test::encoder_contents) {
            const Bytes content = test::make_encoder_content(random, kind, 2 * block_bytes);
            Bytes wide(encode_bound_bytes(content.size()));
            const std::size_t length = encoder->encode(content, wide, wide.size());
            for (const std::size_t room :
                 {std::size_t{0}, std::size_t{1}, length / 2, length - 1, length + 9}) {
                Bytes output(room);  // exact: a sanitizer sees a step outside
                const std::size_t made = encoder->encode(content, output, output.size());
                CAPTURE(to_string(options.algorithm), static_cast<unsigned>(options.level), room);
                if (room < length) REQUIRE(made == 0);
                if (made == 0) continue;
                REQUIRE(made == length);
                REQUIRE(reads_back(options, ByteView(output).first(made), content));
            }
            CHECK(encoder->encode(content, wide, length) == length);
            CHECK(encoder->encode(content, wide, length - 1) == 0);
        }
    }
}

TEST_CASE("a higher level does not pack ordinary content worse") {
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        std::size_t before = 0;
        for (std::uint8_t level = 1; level <= 9; ++level) {
            const auto encoder = make_encoder({algorithm, Level{level}, DeflateWindow::kib2});
            test::Random same(7);
            std::size_t sum = 0;
            for (int i = 0; i < 6; ++i) {
                const Bytes content =
                    test::make_encoder_content(same, test::EncoderContent::changing, window_bytes);
                Bytes output(encode_bound_bytes(content.size()));
                sum += encoder->encode(content, output, output.size());
            }
            CAPTURE(to_string(algorithm), static_cast<unsigned>(level));
            if (before != 0) CHECK(sum <= before);
            before = sum;
        }
    }
}
