#include "codec/lzo_border_encoder.hpp"

#include <vector>

#include "insitu/codec/codec.hpp"
#include "support/catch.hpp"
#include "support/random_content.hpp"

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

}  // namespace

TEST_CASE("a stream cut at any border has the length that was told, and decodes") {
    auto random = test::make_random(30);
    LzoBorderEncoder encoder;
    std::vector<std::byte> output(LzoBorderEncoder::output_bytes);
    const auto decoder = make_decoder(Algorithm::lzo);
    for (int round = 0; round < 60; ++round) {
        const auto blocks = 1 + static_cast<unsigned>(test::below(random, 32));
        std::vector<std::byte> content;
        switch (round % 4) {
            case 0:
                content = copies(random, blocks * block_bytes);
                break;
            case 1:
                content = test::make_content(random, Content::mixed, blocks * block_bytes);
                break;
            case 2:
                content = test::make_content(random, Content::random, blocks * block_bytes);
                break;
            default:
                content = test::make_content(random, Content::text, blocks * block_bytes);
        }
        for (unsigned cut = 1; cut <= blocks; ++cut) {
            encoder.start(content, output);
            unsigned reached = 0;
            while (reached < blocks) {
                reached =
                    std::min(blocks, reached + 1 + static_cast<unsigned>(test::below(random, 5)));
                encoder.advance(reached);
                if (reached >= cut) break;
            }
            const std::uint32_t told = encoder.length_bytes(cut);
            REQUIRE(encoder.finish(cut) == told);
            const std::vector<std::byte> stream(output.begin(), output.begin() + told);
            CHECK(stream[0] != std::byte{17});  // newer kernels read it as a version
            std::vector<std::byte> decoded(cut * block_bytes);
            const DecodeResult result = decoder->decode(stream, decoded);
            REQUIRE(result.status == DecodeStatus::ok);
            REQUIRE(result.output_bytes == decoded.size());
            REQUIRE(std::equal(decoded.begin(), decoded.end(), content.begin()));
        }
    }
}

TEST_CASE("what was encoded before leaves no trace in a stream") {
    auto random = test::make_random(31);
    LzoBorderEncoder used;
    std::vector<std::byte> output(LzoBorderEncoder::output_bytes);
    std::vector<std::byte> fresh_output(LzoBorderEncoder::output_bytes);
    for (int i = 0; i < 20; ++i) {
        const auto content = test::make_content(random, Content::mixed, 16 * block_bytes);
        used.start(content, output);
        used.advance(16);
        const std::uint32_t length = used.finish(16);
        LzoBorderEncoder fresh;
        fresh.start(content, fresh_output);
        fresh.advance(16);
        REQUIRE(fresh.finish(16) == length);
        REQUIRE(std::equal(output.begin(), output.begin() + length, fresh_output.begin()));
    }
}
