// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_border_encoder.hpp"

#include <algorithm>
#include <vector>

#include "codec/border_encoder.hpp"
#include "support/catch.hpp"
#include "support/encoder_content.hpp"
#include "support/inflate_reference.hpp"

using namespace insitu;

namespace {

std::unique_ptr<BorderEncoder> encoder_of(std::uint8_t level) {
    BorderChoice choice =
        make_border_choice({Algorithm::deflate, Level{level}, DeflateWindow::kib2});
    CHECK(choice.packer == nullptr);
    return std::move(choice.encoder);
}

}  // namespace

TEST_CASE("a deflate stream cut at any border decodes to the blocks before it") {
    auto random = test::make_random(55);
    std::vector<std::byte> output(encode_bound_bytes(window_bytes));
    for (std::uint8_t level = 1; level <= 5; ++level) {
        const auto encoder = encoder_of(level);
        for (const auto kind : test::encoder_contents) {
            const unsigned blocks = 1 + static_cast<unsigned>(test::below(random, 20));
            const auto content = test::make_encoder_content(random, kind, blocks * block_bytes);
            for (unsigned cut = 1; cut <= blocks; cut += 1 + cut / 3) {
                encoder->start(content, output);
                const unsigned reached = std::min<unsigned>(blocks, cut + cut % 3);
                for (unsigned block = 1; block <= reached; ++block) {
                    encoder->advance(block);
                    (void)encoder->length_bytes(block);
                }
                const std::uint32_t length = encoder->finish(cut);
                CAPTURE(static_cast<unsigned>(level), static_cast<unsigned>(kind), blocks, cut);
                REQUIRE(length > 0);
                REQUIRE(test::inflates_to(ByteView(output).first(length),
                                          ByteView(content).first(cut * block_bytes), 11, 501));
            }
        }
    }
}

TEST_CASE("the estimated length of a deflate stream is near what it takes") {
    auto random = test::make_random(56);
    std::vector<std::byte> output(encode_bound_bytes(window_bytes));
    const auto kinds = {test::EncoderContent::text, test::EncoderContent::code,
                        test::EncoderContent::x86, test::EncoderContent::base64};
    for (std::uint8_t level = 1; level <= 5; ++level) {
        const auto encoder = encoder_of(level);
        for (const auto kind : kinds) {
            const auto content = test::make_encoder_content(random, kind, 8 * block_bytes);
            encoder->start(content, output);
            encoder->advance(8);
            const std::uint32_t estimate = encoder->length_bytes(8);
            const std::uint32_t length = encoder->finish(8);
            CAPTURE(static_cast<unsigned>(level), static_cast<unsigned>(kind), estimate, length);
            CHECK(estimate > length - length / 20);
            CHECK(estimate < length + length / 20);
        }
    }
}

TEST_CASE("slow deflate encoders choose with a quick one and pack themselves") {
    const BorderChoice choice =
        make_border_choice({Algorithm::deflate, Level::best, DeflateWindow::kib2});
    CHECK(choice.encoder != nullptr);
    CHECK(choice.packer != nullptr);
}
