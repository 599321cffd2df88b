// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/window_map.hpp"

#include <array>

#include "support/catch.hpp"
#include "support/random_content.hpp"
#include "support/sanitizer.hpp"

using namespace insitu;

namespace {

using Meta = std::array<std::byte, window_meta_bytes>;

// Slow and bit by bit, from the text of the format page.
bool bit_of(const Meta& meta, unsigned bit) {
    return ((std::to_integer<unsigned>(meta[bit / 8]) >> (bit % 8)) & 1) != 0;
}
unsigned slow_share(const Meta& meta, unsigned block) {
    unsigned share = 0;
    for (unsigned i = 0; i < 4; ++i)
        share |= (bit_of(meta, 5 * block + i) ? 1U : 0U) << i;
    return share;
}
bool slow_tail(const Meta& meta, unsigned block) {
    return bit_of(meta, 5 * block + 4);
}
void put_entry(Meta& meta, unsigned block, unsigned share, bool tail) {
    const unsigned entry = share | (tail ? 16U : 0U);
    for (unsigned i = 0; i < 5; ++i) {
        const unsigned bit = 5 * block + i;
        const auto mask = static_cast<std::byte>(1U << (bit % 8));
        meta[bit / 8] &= ~mask;
        if (((entry >> i) & 1) != 0) meta[bit / 8] |= mask;
    }
}

struct SlowExtent {
    unsigned first, blocks, sectors;
    bool sound;
};

std::vector<SlowExtent> slow_extents(const Meta& meta, unsigned blocks) {
    std::vector<SlowExtent> extents;
    for (unsigned block = 0; block < blocks; ++block) {
        const unsigned share = slow_share(meta, block);
        if (!slow_tail(meta, block)) {
            extents.push_back({block, 1, share, share <= 8});
        } else if (!extents.empty()) {
            SlowExtent& extent = extents.back();
            const unsigned before = slow_share(meta, block - 1);
            if (share > 8 || (share > 0 && before != 8)) extent.sound = false;
            if (extent.blocks == 1 && before == 0) extent.sound = false;
            ++extent.blocks;
            extent.sectors += share;
        }
    }
    return extents;
}

void compare(const Meta& meta, unsigned blocks) {
    const WindowMap map = WindowMap::decode(meta, blocks);
    REQUIRE(map.blocks() == blocks);
    bool all_sound = blocks == 0 || !slow_tail(meta, 0);
    for (unsigned block = 0; block < blocks; ++block) {
        REQUIRE(map.share(block) == slow_share(meta, block));
        REQUIRE(map.is_tail(block) == slow_tail(meta, block));
        REQUIRE(((map.bad_shares() >> block) & 1) == (slow_share(meta, block) > 8 ? 1U : 0U));
        if (slow_share(meta, block) > 8) all_sound = false;
    }
    const auto expected = slow_extents(meta, blocks);
    REQUIRE(map.extents().size() == expected.size());
    std::size_t i = 0;
    for (const Extent extent : map.extents()) {
        REQUIRE(extent.first == expected[i].first);
        REQUIRE(extent.blocks == expected[i].blocks);
        REQUIRE(extent.payload_sectors == expected[i].sectors);
        REQUIRE(map.extent_sound(extent) == expected[i].sound);
        all_sound = all_sound && expected[i].sound;
        ++i;
    }
    REQUIRE(map.sound() == all_sound);
}

}  // namespace

TEST_CASE("random meta is read as the text of the format says") {
    auto random = test::make_random(2);
    for (unsigned i = 0; i < test::rounds_of(200000); ++i) {
        Meta meta;
        for (std::byte& byte : meta)
            byte = static_cast<std::byte>(random());
        compare(meta, i % 3 == 0 ? 1 + static_cast<unsigned>(test::below(random, 32)) : 32);
    }
}

TEST_CASE("near-sound meta is read as the text of the format says") {
    auto random = test::make_random(3);
    for (unsigned i = 0; i < test::rounds_of(100000); ++i) {
        Meta meta{};
        unsigned left = 0;
        for (unsigned block = 0; block < 32; ++block) {
            const bool tail = block > 0 && test::below(random, 3) != 0;
            if (!tail) left = static_cast<unsigned>(test::below(random, 40));
            const unsigned share = std::min(left, 8U);
            left -= share;
            put_entry(meta, block, share, tail);
        }
        if (i % 2 == 0) {
            meta[test::below(random, meta.size())] ^= static_cast<std::byte>(1U << (random() % 8));
        }
        compare(meta, 32);
    }
}

TEST_CASE("encode is the inverse of decode") {
    auto random = test::make_random(4);
    for (int i = 0; i < 20000; ++i) {
        Meta meta;
        Meta again;
        for (std::byte& byte : meta)
            byte = static_cast<std::byte>(random());
        WindowMap::decode(meta).encode(again);
        REQUIRE(meta == again);
    }
}

TEST_CASE("a map that is built is the map that is read") {
    auto random = test::make_random(5);
    for (int i = 0; i < 5000; ++i) {
        WindowMap map;
        std::vector<Extent> extents;
        for (unsigned block = 0; block < 32;) {
            const auto blocks =
                std::min(32 - block, 1 + static_cast<unsigned>(test::below(random, 32)));
            const auto sectors = static_cast<unsigned>(test::below(random, 8 * blocks + 1));
            map.set_extent({block, blocks, sectors});
            if (sectors != 0) extents.push_back({block, blocks, sectors});
            for (unsigned j = 0; sectors == 0 && j < blocks; ++j)
                extents.push_back({block + j, 1, 0});
            block += blocks;
        }
        REQUIRE(map.sound());
        Meta meta;
        map.encode(meta);
        const WindowMap again = WindowMap::decode(meta);
        REQUIRE(again == map);
        std::vector<Extent> found;
        for (const Extent extent : again.extents())
            found.push_back(extent);
        REQUIRE(found == extents);
    }
}

TEST_CASE("a head with share 0 and tails is invalid") {
    Meta meta{};
    put_entry(meta, 1, 0, true);
    const WindowMap map = WindowMap::decode(meta);
    CHECK(map.empty_heads() == 1);
    CHECK_FALSE(map.sound());
    CHECK(map.extent_sound(map.extent_at(2)));
}

TEST_CASE("tails with share 0 behind a payload are sound") {
    Meta meta{};
    put_entry(meta, 0, 1, false);
    for (unsigned block = 1; block < 32; ++block)
        put_entry(meta, block, 0, true);
    const WindowMap map = WindowMap::decode(meta);
    CHECK(map.sound());
    CHECK(map.extent_at(0) == Extent{0, 32, 1});
}

TEST_CASE("a window that starts with tails has no extent for them") {
    Meta meta{};
    put_entry(meta, 0, 8, true);
    put_entry(meta, 1, 3, true);
    const WindowMap map = WindowMap::decode(meta);
    CHECK(map.leading_tails() == 2);
    CHECK(map.extents().size() == 30);
    CHECK_FALSE(map.sound());
}

TEST_CASE("bits behind the last block mean nothing") {
    Meta meta;
    meta.fill(std::byte{0xff});
    for (unsigned block = 0; block < 5; ++block)
        put_entry(meta, block, 0, false);
    CHECK(WindowMap::decode(meta, 5).sound());
    CHECK_FALSE(WindowMap::decode(meta, 6).sound());
}
