// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/compressibility.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using test::Content;

namespace {

constexpr auto repeats = CompressibilityProbe::Evidence::repeats;
constexpr auto any = CompressibilityProbe::Evidence::repeats_and_distribution;

}  // namespace

TEST_CASE("random bytes are not worth an encoder") {
    auto random = test::make_random(20);
    CompressibilityProbe probe;
    for (int i = 0; i < 300; ++i) {
        const auto content = test::make_content(random, Content::random,
                                                (1 + test::below(random, 32)) * block_bytes);
        CHECK_FALSE(probe.compressible(content, any));
    }
}

TEST_CASE("text, and two blocks of it among random ones, are") {
    auto random = test::make_random(21);
    CompressibilityProbe probe;
    for (int i = 0; i < 100; ++i) {
        auto content = test::make_content(random, Content::random, 32 * block_bytes);
        const auto text = test::make_content(random, Content::text, 2 * block_bytes);
        std::copy(
            text.begin(), text.end(),
            content.begin() + static_cast<std::ptrdiff_t>(test::below(random, 31) * block_bytes));
        CHECK(probe.compressible(content, any));
        CHECK(probe.compressible(content, repeats));
    }
}

TEST_CASE("bytes of few values are worth deflate although nothing repeats") {
    auto random = test::make_random(22);
    std::vector<std::byte> content(32 * block_bytes);
    for (std::byte& byte : content)
        byte = static_cast<std::byte>(random() & 0x7f);
    CompressibilityProbe probe;
    CHECK(probe.compressible(content, any));
    CHECK_FALSE(probe.compressible(content, repeats));
}

TEST_CASE("a random block that is repeated is worth an encoder") {
    auto random = test::make_random(23);
    auto content = test::make_content(random, Content::random, 4 * block_bytes);
    std::copy_n(content.begin(), block_bytes, content.begin() + 3 * block_bytes);
    CompressibilityProbe probe;
    CHECK(probe.compressible(content, repeats));
}
