// SPDX-License-Identifier: GPL-2.0-or-later
// Decoders of any bytes: what they give lies in the span, and what they take is a stream that the
// other ways to read it take as well.
#include <algorithm>
#include <vector>

#include "codec/distance.hpp"
#include "codec/partial.hpp"
#include "fuzz/targets.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "support/inflate_reference.hpp"
#include "support/lzo_reference.hpp"

namespace insitu::fuzz {

namespace {

// The first byte is the number of blocks that are expected.
void decode_any(Algorithm algorithm, ByteView input) {
    if (input.empty()) return;
    const std::size_t blocks = 1 + static_cast<std::size_t>(input[0]) % window_blocks;
    const ByteView stream = input.subspan(1);
    std::vector<std::byte> output(blocks * block_bytes);
    const auto decoder = make_decoder(algorithm);
    const DecodeResult result = decoder->decode(stream, output);
    std::vector<std::byte> partly(output.size());
    const std::size_t given = decode_partly(algorithm, stream, partly);
    FUZZ_REQUIRE(given <= partly.size());
    (void)decode_open_end(algorithm, stream, partly);
    if (result.status != DecodeStatus::ok) return;
    FUZZ_REQUIRE(result.output_bytes <= output.size());
    const auto end = output.begin() + static_cast<std::ptrdiff_t>(result.output_bytes);
    if (result.output_bytes > 0) {
        FUZZ_REQUIRE(given == result.output_bytes);
        FUZZ_REQUIRE(std::equal(output.begin(), end, partly.begin()));
    }
    if (algorithm == Algorithm::deflate) (void)DistanceWalker().over_2_kib(stream);
    if (result.output_bytes == 0) return;
    const ByteView content = ByteView(output).first(result.output_bytes);
    std::vector<std::byte> packed(encode_bound_bytes(content.size()));
    const std::size_t length =
        make_encoder({.algorithm = algorithm})->encode(content, packed, packed.size());
    if (length == 0) return;
    std::vector<std::byte> back(content.size());
    const DecodeResult again = decoder->decode(ByteView(packed).first(length), back);
    FUZZ_REQUIRE(again.status == DecodeStatus::ok && again.output_bytes == back.size());
    FUZZ_REQUIRE(std::equal(back.begin(), back.end(), content.begin()));
}

// The library's own decoder takes what liblzo2 takes, and gives the same for it. The rooms are that
// of the first byte and the exact one: a decoder that overshoots shows itself at the end.
void compare_with_liblzo2(ByteView input) {
    if (input.empty()) return;
    const ByteView stream = input.subspan(1);
    std::size_t room = (1 + static_cast<std::size_t>(input[0]) % window_blocks) * block_bytes;
    const auto decoder = make_decoder(Algorithm::lzo);
    for (unsigned pass = 0; pass < 2; ++pass) {
        const auto expected = test::lzo_reference(stream, room);
        std::vector<std::byte> output(room);
        const DecodeResult result = decoder->decode(stream, output);
        if (result.status != DecodeStatus::ok) {
            FUZZ_REQUIRE(!expected || test::may_end_oddly(stream));
            return;
        }
        output.resize(result.output_bytes);
        FUZZ_REQUIRE(expected == output);
        room = output.size();
    }
}

// What an encoder makes of any bytes, decoded by another's decoder. The first byte is the level,
// the second how much less room than enough there is.
void encode_any(Algorithm algorithm, DeflateWindow window, ByteView input) {
    if (input.size() < 3) return;
    const auto level = static_cast<std::uint8_t>(1 + std::to_integer<unsigned>(input[0]) % 9);
    const ByteView content =
        input.subspan(2, std::min<std::size_t>(input.size() - 2, window_bytes));
    const std::size_t enough = encode_bound_bytes(content.size());
    std::vector<std::byte> output(enough * std::to_integer<std::size_t>(input[1]) / 255);
    const auto encoder = make_encoder({algorithm, Level{level}, window});
    const std::size_t length = encoder->encode(content, output, output.size());
    FUZZ_REQUIRE(length <= output.size());
    FUZZ_REQUIRE(length > 0 || output.size() < enough);
    if (length == 0) return;
    const ByteView stream = ByteView(output).first(length);
    std::vector<std::byte> back(content.size());
    FUZZ_REQUIRE(make_decoder(algorithm)->decode(stream, back).status == DecodeStatus::ok);
    if (algorithm == Algorithm::lzo) {
        FUZZ_REQUIRE(stream[0] != std::byte{17});
        const auto decoded = test::lzo_reference(stream, content.size());
        FUZZ_REQUIRE(decoded.has_value() &&
                     std::equal(decoded->begin(), decoded->end(), content.begin(), content.end()));
    } else {
        const int window_bits = window == DeflateWindow::kib2 ? 11 : 15;
        FUZZ_REQUIRE(test::inflates_to(stream, content, window_bits, 1 + content.size() % 300));
    }
}

}  // namespace

void lzo_encode(ByteView input) {
    encode_any(Algorithm::lzo, DeflateWindow::kib2, input);
}

void deflate_encode(ByteView input) {
    encode_any(Algorithm::deflate, DeflateWindow::kib2, input);
    encode_any(Algorithm::deflate, DeflateWindow::kib32, input);
}

void lzo(ByteView input) {
    compare_with_liblzo2(input);
    decode_any(Algorithm::lzo, input);
}

void deflate(ByteView input) {
    decode_any(Algorithm::deflate, input);
}

}  // namespace insitu::fuzz
