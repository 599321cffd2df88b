#include "insitu/format/window_map.hpp"

#include "support/catch.hpp"

using namespace insitu;

TEST_CASE("a head with share 0 and tails is invalid") {
    std::array<std::byte, window_meta_bytes> meta{};
    meta[0] = std::byte{0x00};
    meta[1] = std::byte{0x02};  // block 1: bit 9 is its tail bit
    const WindowMap map = WindowMap::decode(meta);
    CHECK(map.is_tail(1));
    CHECK(map.empty_heads() == 1);
    CHECK_FALSE(map.sound());
}
