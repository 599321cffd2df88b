// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/payload.hpp"

#include <vector>

#include "support/catch.hpp"

using namespace insitu;

TEST_CASE("a payload has the least sectors that hold stream and length word") {
    CHECK(payload_sectors_for(1) == 1);
    CHECK(payload_sectors_for(508) == 1);
    CHECK(payload_sectors_for(509) == 2);
    CHECK(payload_sectors_for(1020) == 2);
    CHECK(payload_sectors_for(1021) == 3);
}

TEST_CASE("the longest stream of an extent saves exactly one sector") {
    for (unsigned blocks = 1; blocks <= 32; ++blocks) {
        CHECK(payload_sectors_for(longest_stream_bytes(blocks)) == 8 * blocks - 1);
        CHECK(payload_sectors_for(longest_stream_bytes(blocks) + 1) == 8 * blocks);
    }
}

TEST_CASE("a framed payload gives back its length, with zeros between") {
    std::vector<std::byte> payload(1024, std::byte{0xcc});
    frame_payload(payload, 600);
    CHECK(unsafe_stream_length(payload) == 600);
    CHECK(payload[599] == std::byte{0xcc});
    for (std::size_t i = 600; i < 1020; ++i)
        CHECK(payload[i] == std::byte{0});
}

TEST_CASE("a length that does not fit its sectors is known") {
    CHECK_FALSE(stream_readable(0, 1));
    CHECK(stream_readable(1, 1));
    CHECK(stream_readable(508, 1));
    CHECK_FALSE(stream_readable(509, 1));
    CHECK_FALSE(stream_readable(0xffffffff, 255));
    CHECK_FALSE(stream_fits(100, 2));
    CHECK(stream_readable(100, 2));
}
