// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/unpack.hpp"

#include "fsck/test_device.hpp"
#include "insitu/error.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using Catch::Matchers::Contains;
using test::Content;

namespace {

std::vector<std::byte> content_of(std::uint64_t salt, std::size_t windows,
                                  Content kind = Content::mixed) {
    auto random = test::make_random(salt);
    return test::make_content(random, kind, windows * window_bytes);
}

}  // namespace

TEST_CASE("any part of an image unpacks to that part") {
    const auto content = content_of(100, 40);
    const auto store = test::pack_in_memory(content, {});
    const Image image = Image::open(*store);
    auto random = test::make_random(101);
    for (int i = 0; i < 60; ++i) {
        UnpackOptions options;
        options.offset_bytes = test::below(random, content.size());
        options.length_bytes = test::below(random, content.size() - options.offset_bytes + 1);
        options.target_content = TargetContent::unknown;
        MemoryStore target(*options.length_bytes);
        unpack(image, target, options, {.threads = 3});
        REQUIRE(std::equal(target.bytes().begin(), target.bytes().end(),
                           content.begin() + static_cast<std::ptrdiff_t>(options.offset_bytes)));
    }
}

TEST_CASE("a part outside the image is refused") {
    const auto content = content_of(102, 2);
    const auto store = test::pack_in_memory(content, {});
    const Image image = Image::open(*store);
    CHECK_THROWS_WITH(unpacked_bytes(image, {.offset_bytes = content.size() + 1}),
                      Contains("is after the end"));
    CHECK_THROWS_WITH(unpacked_bytes(image, {.offset_bytes = 1, .length_bytes = content.size()}),
                      Contains("reach beyond the end"));
    CHECK(unpacked_bytes(image, {.offset_bytes = content.size()}) == 0);
}

TEST_CASE("zeros are not written where the target holds zeros") {
    std::vector<std::byte> content(100 * window_bytes);
    content[50 * window_bytes] = std::byte{1};
    const auto store = test::pack_in_memory(content, {});
    MemoryStore target(content.size(), std::byte{0});
    FaultStore counting(target);
    const UnpackResult result = unpack(Image::open(*store), counting,
                                       {.target_content = TargetContent::zeros}, {.threads = 2});
    CHECK(result.written_bytes == block_bytes);
    CHECK(counting.writes() == 1);
    CHECK(std::equal(content.begin(), content.end(), target.bytes().begin()));
}

TEST_CASE("salvage lists each damaged extent once and keeps the rest") {
    const auto content = content_of(103, 64, Content::text);
    const auto store = test::pack_in_memory(content, {.extents = {32}});
    const Image image = Image::open(*store);
    // The length words of two windows' first compressed extents.
    std::vector<std::uint64_t> damaged;
    for (const std::uint64_t window : {9U, 30U}) {
        const WindowMap map = test::get_map(*store, {window});
        for (const Extent extent : map.extents()) {
            if (extent.unmapped() || extent.raw()) continue;
            const BlockIndex first = first_block_of({window}) + extent.first;
            store->zero(image.geometry().block_at_byte(first) + extent.payload_sectors * 512 - 4,
                        4);
            damaged.push_back(first.value);
            break;
        }
    }
    REQUIRE(damaged.size() == 2);
    MemoryStore target(content.size(), std::byte{0});
    CHECK_THROWS_AS(unpack(image, target, {}, {.threads = 4}), Error);
    UnpackOptions options;
    options.damage = UnpackOptions::Damage::strict;
    for (const unsigned threads : {1U, 4U}) {
        MemoryStore salvaged(content.size(), std::byte{0});
        const UnpackResult result = unpack(image, salvaged, options, {.threads = threads});
        REQUIRE(result.damage_count == 2);
        std::vector<std::byte> expected = content;
        for (std::size_t i = 0; i < 2; ++i) {
            const StoredExtent& extent = result.damage[i].extent;
            CHECK(extent.first.value == damaged[i]);
            std::fill_n(
                expected.begin() + static_cast<std::ptrdiff_t>(extent.first.value * block_bytes),
                extent.blocks * block_bytes, std::byte{0});
        }
        CHECK(std::equal(expected.begin(), expected.end(), salvaged.bytes().begin()));
    }
}

TEST_CASE("salvage gives what stands before a sector that cannot be read") {
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        const auto content = content_of(106, 2, Content::text);
        const auto store =
            test::pack_in_memory(content, {.codec = {.algorithm = algorithm}, .extents = {32}});
        test::TestDevice device(
            std::vector<std::byte>(store->bytes().begin(), store->bytes().end()));
        const Image image = Image::open(device);
        const Extent extent = test::get_map(device, {1}).extent_at(0);
        REQUIRE_FALSE(extent.raw());
        REQUIRE(extent.payload_sectors > 8);
        const std::uint64_t payload_at = image.geometry().block_at_byte(first_block_of({1}));
        device.make_unreadable(payload_at + extent.payload_sectors / 2 * sector_bytes, 1);
        MemoryStore target(content.size(), std::byte{0});
        const UnpackResult result =
            unpack(image, target, {.damage = UnpackOptions::Damage::salvage}, {.threads = 2});
        REQUIRE(result.damage.size() == 1);
        CHECK(result.damage[0].os_error == EIO);
        const unsigned given = result.damage[0].unproven_blocks;
        CHECK(given > extent.blocks / 8);
        CHECK(given < extent.blocks);
        std::vector<std::byte> expected = content;
        std::fill(
            expected.begin() + static_cast<std::ptrdiff_t>(window_bytes + given * block_bytes),
            expected.begin() +
                static_cast<std::ptrdiff_t>(window_bytes + extent.blocks * block_bytes),
            std::byte{0});
        CHECK(test::same_bytes(expected, target.bytes()));
    }
}

TEST_CASE("salvage loses only the raw blocks that cannot be read") {
    const auto content = content_of(107, 3, Content::random);
    const auto store = test::pack_in_memory(content, {.extents = {32}});
    test::TestDevice device(std::vector<std::byte>(store->bytes().begin(), store->bytes().end()));
    const Image image = Image::open(device);
    constexpr std::uint64_t first_bad = window_blocks + 5;
    constexpr std::uint64_t bad_blocks = 2;
    device.make_unreadable(image.geometry().block_at_byte({first_bad}) + 1, block_bytes);
    for (const auto damage : {UnpackOptions::Damage::salvage, UnpackOptions::Damage::strict}) {
        MemoryStore target(content.size(), std::byte{0});
        const UnpackResult result = unpack(image, target, {.damage = damage}, {.threads = 2});
        REQUIRE(result.damage.size() == 1);
        const StoredExtent lost = result.damage[0].extent;
        if (damage == UnpackOptions::Damage::salvage) {
            CHECK(lost.first.value == first_bad);
            CHECK(lost.blocks == bad_blocks);
        } else {
            CHECK(lost.blocks > bad_blocks);
        }
        std::vector<std::byte> expected = content;
        std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(lost.first.value * block_bytes),
                    lost.blocks * block_bytes, std::byte{0});
        CHECK(test::same_bytes(expected, target.bytes()));
    }
}

TEST_CASE("a target that fills up is an io error") {
    const auto content = content_of(104, 8);
    const auto store = test::pack_in_memory(content, {});
    MemoryStore target(content.size(), std::byte{0});
    FaultStore faults(target);
    faults.fail_writes(2, ENOSPC, 100);
    CHECK_THROWS_WITH(unpack(Image::open(*store), faults, {}, {.threads = 2}),
                      Contains("No space left"));
}

TEST_CASE("an image that ends too early gives what is there, when told to trust its super block") {
    const auto content = content_of(105, 16);
    const auto whole = test::pack_in_memory(content, {.extents = {32}});
    MemoryStore cut(whole->size_bytes() / 2);
    whole->read_at(0, cut.bytes());
    CHECK_THROWS_WITH(Image::open(cut), Contains("this one has"));
    UnpackOptions options;
    options.damage = UnpackOptions::Damage::salvage;
    MemoryStore target(content.size(), std::byte{0});
    const UnpackResult result =
        unpack(Image::open(cut, SizeCheck::trust_super), target, options, {.threads = 2});
    CHECK(result.damage_count > 0);
    const BlockIndex first_lost = result.damage[0].extent.first;
    CHECK(std::equal(content.begin(),
                     content.begin() + static_cast<std::ptrdiff_t>(first_lost.value * block_bytes),
                     target.bytes().begin()));
}
