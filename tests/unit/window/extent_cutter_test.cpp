// SPDX-License-Identifier: GPL-2.0-or-later
#include "window/extent_cutter.hpp"

#include <vector>

#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/payload.hpp"
#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using test::Content;

namespace {

std::vector<EncoderOptions> options_of_each_kind() {
    std::vector<EncoderOptions> all;
    for (const Level level : {Level::fast, Level::normal, Level{5}, Level{7}}) {
        all.push_back({Algorithm::lzo, level, DeflateWindow::kib2});
        all.push_back({Algorithm::deflate, level, DeflateWindow::kib2});
        all.push_back({Algorithm::deflate, level, DeflateWindow::kib32});
    }
    return all;
}

}  // namespace

TEST_CASE("the pieces of any run are its blocks, and each stream decodes") {
    auto random = test::make_random(60);
    for (const EncoderOptions& options : options_of_each_kind()) {
        ExtentCutter cutter(options);
        const auto decoder = make_decoder(options.algorithm);
        for (int round = 0; round < 24; ++round) {
            const auto blocks = 1 + static_cast<unsigned>(test::below(random, 32));
            const auto content = test::make_content(
                random, round % 2 == 0 ? Content::mixed : Content::text, blocks * block_bytes);
            for (unsigned at = 0; at < blocks;) {
                const ByteView rest = ByteView(content).subspan(at * block_bytes);
                const ExtentCutter::Piece piece = cutter.cut(rest);
                REQUIRE(piece.blocks >= 1);
                REQUIRE(at + piece.blocks <= blocks);
                if (piece.stream_bytes != 0) {
                    REQUIRE(piece.stream_bytes <= longest_stream_bytes(piece.blocks));
                    std::vector<std::byte> decoded(piece.blocks * block_bytes);
                    const DecodeResult result =
                        decoder->decode(cutter.stream().first(piece.stream_bytes), decoded);
                    REQUIRE(result.status == DecodeStatus::ok);
                    REQUIRE(std::equal(decoded.begin(), decoded.end(), rest.begin()));
                }
                at += piece.blocks;
            }
        }
    }
}

TEST_CASE("random blocks are raw, whatever the encoder") {
    auto random = test::make_random(61);
    const auto content = test::make_content(random, Content::random, 8 * block_bytes);
    for (const EncoderOptions& options : options_of_each_kind()) {
        ExtentCutter cutter(options);
        for (unsigned at = 0; at < 8;) {
            const auto piece = cutter.cut(ByteView(content).subspan(at * block_bytes));
            CHECK(piece.stream_bytes == 0);
            REQUIRE(piece.blocks >= 1);
            at += piece.blocks;
        }
    }
}

TEST_CASE("bytes of few values are packed by deflate although nothing repeats") {
    auto random = test::make_random(62);
    std::vector<std::byte> content(8 * block_bytes);
    for (std::byte& byte : content)
        byte = static_cast<std::byte>(random() & 0x3f);
    for (const Level level : {Level::fast, Level::normal, Level{5}, Level::best}) {
        ExtentCutter cutter({Algorithm::deflate, level, DeflateWindow::kib2});
        const ExtentCutter::Piece piece = cutter.cut(content);
        CHECK(piece.stream_bytes != 0);
        CHECK(piece.stream_bytes < piece.blocks * block_bytes * 4 / 5);
    }
}
