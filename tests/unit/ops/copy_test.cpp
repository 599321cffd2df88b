// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/copy.hpp"

#include <algorithm>

#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/stat.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"
#include "support/sanitizer.hpp"

using namespace insitu;
using Catch::Matchers::Contains;
using test::Content;

namespace {

// The content, and zeros behind it.
void require_same(const Store& copy, const std::vector<std::byte>& content) {
    auto read = test::unpack_in_memory(copy);
    const std::size_t common = std::min(read.size(), content.size());
    REQUIRE(std::equal(read.begin(), read.begin() + static_cast<std::ptrdiff_t>(common),
                       content.begin()));
    const auto zero = [](std::byte byte) { return byte == std::byte{0}; };
    REQUIRE(std::all_of(read.begin() + static_cast<std::ptrdiff_t>(common), read.end(), zero));
    REQUIRE(
        std::all_of(content.begin() + static_cast<std::ptrdiff_t>(common), content.end(), zero));
}

}  // namespace

TEST_CASE("a copy of any size holds the same, with its seals, on both sides of each step") {
    auto random = test::make_random(910);
    // 6553 data blocks take one meta block, 6554 two; in the last window anything may end.
    const std::uint64_t sizes[] = {40, 64, 100, 6551, 6553, 6554, 6600};
    std::uint64_t seals = 0;
    for (const std::uint64_t from : sizes) {
        // A compressed payload at least: all may be zeros or raw otherwise.
        auto content = test::make_content(random, Content::text, block_bytes);
        const auto rest = test::make_content(random, Content::mixed, 38 * block_bytes);
        content.insert(content.end(), rest.begin(), rest.end());
        content.resize(from * block_bytes);
        PackOptions options;
        options.codec.algorithm = from % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
        const auto source = test::pack_in_memory(content, options);
        const Image image = Image::open(*source);
        const SealCoverage sealed = seal_coverage(image, {.threads = 1});
        REQUIRE(sealed.compressed_extents > 0);
        seals += sealed.sealed_extents;
        for (const std::uint64_t to : sizes) {
            INFO(from << " to " << to);
            const std::uint64_t bytes = smallest_device_blocks(to) * block_bytes;
            MemoryStore target(bytes, std::byte{0xcc}, "target");
            CopyOptions wanted;
            wanted.target_content = TargetContent::unknown;
            wanted.identity = read_identity(*source);
            const CopyResult result = copy_image(image, target, wanted, {.threads = 2});
            require_same(target, content);
            CHECK(read_identity(target) == read_identity(*source));
            const Image copy = Image::open(target);
            CHECK(seal_coverage(copy, {.threads = 1}).sealed_extents == sealed.sealed_extents);
            CHECK(result.extents.payload_sectors ==
                  stat_image(image, {.threads = 1}).extents.payload_sectors);
        }
    }
    // In one image there may be no room for any.
    CHECK(seals > 0);
}

TEST_CASE("what does not fit is refused with its block, and nothing is written") {
    auto random = test::make_random(911);
    auto content = test::make_content(random, Content::text, 50 * block_bytes);
    const auto source = test::pack_in_memory(content, {});
    const Image image = Image::open(*source);
    CHECK(used_blocks(image) == 50);
    const std::uint64_t bytes = smallest_device_blocks(49) * block_bytes;
    MemoryStore target(bytes, std::byte{0xcc}, "target");
    CopyOptions unknown;
    unknown.target_content = TargetContent::unknown;
    CHECK_THROWS_WITH(copy_image(image, target, unknown, {.threads = 1}),
                      Contains("block 49") && Contains("holds 49 blocks"));
    for (const std::byte byte : target.bytes())
        REQUIRE(byte == std::byte{0xcc});
    MemoryStore enough(smallest_device_blocks(50) * block_bytes, std::byte{0xcc}, "target");
    copy_image(image, enough, unknown, {.threads = 1});
    require_same(enough, content);
}

TEST_CASE("meta that makes no sense is not copied") {
    auto random = test::make_random(912);
    const auto content = test::make_content(random, Content::text, 64 * block_bytes);
    const auto source = test::pack_in_memory(content, {});
    const Image image = Image::open(*source);
    source->write_at(image.geometry().window_meta_at_byte({1}),
                     std::vector<std::byte>(1, std::byte{0x0f}));
    MemoryStore target(source->size_bytes(), std::byte{0}, "target");
    CHECK_THROWS_WITH(copy_image(image, target, {}, {.threads = 1}), Contains("window 1"));
    CHECK_THROWS_AS(Image::open(target), Error);
}

TEST_CASE("a copy that is compressed again holds the same, and keeps what is not worth it") {
    auto random = test::make_random(913);
    for (const std::uint64_t to : {300U, 301U, 6600U}) {
        for (unsigned round = 0; round < test::rounds_of(8); ++round) {
            auto content = test::make_content(random, Content::mixed, 299 * block_bytes);
            // Two windows that are never worth it.
            const auto noise = test::make_content(random, Content::random, 64 * block_bytes);
            std::copy(noise.begin(), noise.end(), content.begin());
            PackOptions options;
            options.codec.algorithm = round % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
            options.codec.level = Level::fast;
            options.extents.blocks = 1;
            const auto source = test::pack_in_memory(content, options);
            const Image image = Image::open(*source);
            MemoryStore target(smallest_device_blocks(to) * block_bytes, std::byte{0xcc}, "target");
            CopyOptions wanted;
            wanted.target_content = TargetContent::unknown;
            RecodeOptions recode;
            recode.codec.algorithm = round % 4 < 2 ? Algorithm::lzo : Algorithm::deflate;
            recode.codec.level = Level::best;
            recode.extents.blocks = 32;
            wanted.recode = recode;
            const CopyResult all = copy_image(image, target, wanted, {.threads = 2});
            require_same(target, content);
            CHECK(Image::open(target).algorithm() == recode.codec.algorithm);
            CHECK(all.recoded_windows > 5);
            const std::uint64_t before = stat_image(image, {.threads = 1}).extents.payload_sectors;
            CHECK(all.extents.payload_sectors < before);
            wanted.recode->worth_percent = 5;
            if (recode.codec.algorithm != image.algorithm()) {
                CHECK_THROWS_WITH(copy_image(image, target, wanted, {.threads = 1}),
                                  Contains("of the same algorithm"));
                continue;
            }
            const CopyResult some = copy_image(image, target, wanted, {.threads = 2});
            require_same(target, content);
            CHECK(some.extents.payload_sectors < before);
            CHECK(some.recoded_windows < all.recoded_windows);
            CHECK(some.recoded_windows > 0);
            CHECK(stat_image(Image::open(target), {.threads = 1}).extents.payload_sectors ==
                  some.extents.payload_sectors);
            wanted.recode->worth_percent = 99;
            CHECK(copy_image(image, target, wanted, {.threads = 2}).recoded_windows <=
                  some.recoded_windows);
            require_same(target, content);
        }
    }
}
