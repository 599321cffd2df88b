// SPDX-License-Identifier: GPL-2.0-or-later
// The bytes that the library's own encoders make, for a small made-up corpus: they are the same in
// every build and on every machine. A change of them is a decision, and is noted in the changelog.
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "insitu/internal/codec/codec.hpp"
#include "support/catch.hpp"
#include "support/encoder_content.hpp"

using namespace insitu;

namespace {

// FNV-1a, 64 bits.
class Hash {
  public:
    void add(ByteView bytes) noexcept {
        for (const std::byte byte : bytes)
            add(std::to_integer<std::uint64_t>(byte));
    }
    void add(std::uint64_t value) noexcept { sum_ = (sum_ ^ value) * 0x100000001b3; }
    std::uint64_t value() const noexcept { return sum_; }

  private:
    std::uint64_t sum_ = 0xcbf29ce484222325;
};

std::uint64_t hash_of_streams(const EncoderOptions& options) {
    test::Random random(20261126);
    const auto encoder = make_encoder(options);
    Hash hash;
    for (const auto kind : test::encoder_contents) {
        for (const std::size_t blocks : {1U, 5U, 32U}) {
            const auto content = test::make_encoder_content(random, kind, blocks * block_bytes);
            std::vector<std::byte> output(encode_bound_bytes(content.size()));
            const std::size_t length = encoder->encode(content, output, output.size());
            hash.add(length);
            hash.add(ByteView(output).first(length));
        }
    }
    return hash.value();
}

using Golden = std::pair<unsigned, std::uint64_t>;

void check_all(Algorithm algorithm, DeflateWindow window, std::span<const Golden> golden) {
    for (const auto& [level, expected] : golden) {
        CAPTURE(to_string(algorithm), level);
        CHECK(hash_of_streams({algorithm, Level{static_cast<std::uint8_t>(level)}, window}) ==
              expected);
    }
}

}  // namespace

TEST_CASE("LZO streams are these bytes", "[golden-streams]") {
    static constexpr std::array<Golden, 9> golden{{{1, 0x11b0af41abdd7f41},
                                                   {2, 0x7a08a2538e78f78},
                                                   {3, 0x6b04525a7e3f744d},
                                                   {4, 0xf96604cc4e8a936c},
                                                   {5, 0x640a67fd88dffbc},
                                                   {6, 0x2c3ec66e02948535},
                                                   {7, 0xa22432a82e6c1050},
                                                   {8, 0x84f640715e0cd655},
                                                   {9, 0x4187a99656f924e0}}};
    check_all(Algorithm::lzo, DeflateWindow::kib2, golden);
}

TEST_CASE("deflate streams with a window of 2 KiB are these bytes", "[golden-streams]") {
    static constexpr std::array<Golden, 9> golden{{{1, 0xebc2ae2850d5ade1},
                                                   {2, 0x28df31a6207f441},
                                                   {3, 0x11b3ed1552454b80},
                                                   {4, 0x3c08c98e5ed506d4},
                                                   {5, 0xbdc41f70bcc61089},
                                                   {6, 0xf52cd4700764f979},
                                                   {7, 0x567bc61ce9fb9d34},
                                                   {8, 0xb71ec9b6247bcf88},
                                                   {9, 0x8885bf05ee8c29ac}}};
    check_all(Algorithm::deflate, DeflateWindow::kib2, golden);
}

// Higher levels are libdeflate's, whose versions may differ.
TEST_CASE("deflate streams with a window of 32 KiB are these bytes", "[golden-streams]") {
    static constexpr std::array<Golden, 2> golden{
        {{1, 0x68ea87608ab0aa51}, {2, 0x68ea87608ab0aa51}}};
    check_all(Algorithm::deflate, DeflateWindow::kib32, golden);
}
