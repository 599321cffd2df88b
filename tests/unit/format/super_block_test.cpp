// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/super_block.hpp"

#include <array>

#include "support/catch.hpp"

using namespace insitu;

TEST_CASE("the super block stands byte by byte where the format says") {
    SuperBlock super;
    super.counts = {0x0102030405060708, 0x1112131415161718};
    super.comp_alg = 1;
    std::array<std::byte, block_bytes> block;
    block.fill(std::byte{0xcc});
    encode_super_block(super, block);
    const std::array<unsigned, 33> expected{0x09, 0x6c, 0x50, 0x06, 0xc2, 0x26, 0x65, 0x10, 1,
                                            0,    0,    0,    0,    0,    0,    0,    8,    7,
                                            6,    5,    4,    3,    2,    1,    0x18, 0x17, 0x16,
                                            0x15, 0x14, 0x13, 0x12, 0x11, 1};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(std::to_integer<unsigned>(block[i]) == expected[i]);
    }
    for (std::size_t i = expected.size(); i < block.size(); ++i)
        REQUIRE(block[i] == std::byte{0});
    CHECK(decode_super_block(block) == super);
}

TEST_CASE("what stands behind the fields is not read") {
    SuperBlock super;
    super.counts = {1, 100};
    std::array<std::byte, block_bytes> block;
    encode_super_block(super, block);
    for (std::size_t i = 33; i < block.size(); ++i)
        block[i] = std::byte{0xa5};
    CHECK(decode_super_block(block) == super);
}

TEST_CASE("each fault of a super block is told") {
    const std::uint64_t device_bytes = 102 * 4096;
    SuperBlock sound;
    sound.counts = {1, 100};
    CHECK(check_super_block(sound, device_bytes).none());
    CHECK(check_super_block(sound, device_bytes + 4095).none());

    SuperBlock super = sound;
    super.magic ^= 1;
    CHECK(check_super_block(super, device_bytes).has(SuperFault::magic));
    super = sound;
    super.version = 2;
    CHECK(check_super_block(super, device_bytes).has(SuperFault::version));
    super = sound;
    super.comp_alg = 2;
    CHECK(check_super_block(super, device_bytes).has(SuperFault::algorithm));
    CHECK(check_super_block(sound, device_bytes + 4096).has(SuperFault::counts_differ));
    CHECK(check_super_block(sound, 6555 * 4096).has(SuperFault::device_unusable));
    super = sound;
    super.counts.data_blocks += std::uint64_t{1} << 32;
    CHECK(check_super_block(super, device_bytes).has(SuperFault::counts_impossible));
}
