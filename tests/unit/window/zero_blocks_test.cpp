// SPDX-License-Identifier: GPL-2.0-or-later
#include "window/zero_blocks.hpp"

#include <vector>

#include "support/catch.hpp"

using namespace insitu;

TEST_CASE("one bit anywhere makes bytes non-zero, at any length") {
    for (std::size_t length = 0; length < 200; ++length) {
        std::vector<std::byte> bytes(length);
        CHECK(is_zero(bytes));
        for (std::size_t at = 0; at < length; ++at) {
            bytes[at] = std::byte{1};
            REQUIRE_FALSE(is_zero(bytes));
            bytes[at] = std::byte{0};
        }
    }
}

TEST_CASE("the blocks of a window that hold something are marked") {
    std::vector<std::byte> window(window_bytes);
    CHECK(nonzero_blocks(window) == 0);
    window[0] = std::byte{1};
    window[5 * block_bytes + 4095] = std::byte{1};
    window[31 * block_bytes] = std::byte{1};
    CHECK(nonzero_blocks(window) == (1U | 1U << 5 | 1U << 31));
    CHECK(nonzero_blocks(ByteView(window).first(2 * block_bytes + 10)) == 1);
}
