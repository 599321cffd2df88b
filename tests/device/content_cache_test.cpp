// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/content_cache.hpp"

#include <algorithm>
#include <vector>

#include "support/catch.hpp"

using namespace insitu;

namespace {

using Bytes = std::vector<std::byte>;

// Blocks of which each byte tells the block's number.
Bytes blocks_from(std::uint64_t first, std::size_t count) {
    Bytes bytes(count * block_bytes);
    for (std::size_t i = 0; i < count; ++i) {
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * block_bytes), block_bytes,
                    static_cast<std::byte>(first + i));
    }
    return bytes;
}

void insert(ContentCache& cache, std::uint64_t first, std::size_t count) {
    cache.insert({first}, blocks_from(first, count));
}

bool holds(ContentCache& cache, std::uint64_t first, std::size_t count) {
    Bytes got(count * block_bytes);
    if (!cache.read({first}, got)) return false;
    CHECK(got == blocks_from(first, count));
    return true;
}

// One set.
constexpr std::uint64_t places = 16;

}  // namespace

TEST_CASE("a cache of content holds as many blocks as it has memory for") {
    ContentCache cache(4 * places * block_bytes);
    insert(cache, 100, 4 * places);
    CHECK(holds(cache, 100, 4 * places));
    insert(cache, 300, 1);
    CHECK(holds(cache, 300, 1));
    CHECK_FALSE(holds(cache, 100, 4 * places));
}

TEST_CASE("a cache of content drops what was not used lately") {
    ContentCache cache(places * block_bytes);
    insert(cache, 0, places);
    REQUIRE(holds(cache, 3, 1));
    // The hand passes all but block 3.
    insert(cache, 100, places - 1);
    CHECK(holds(cache, 3, 1));
    CHECK(holds(cache, 100, places - 1));
    CHECK_FALSE(holds(cache, 0, 1));
}

TEST_CASE("a cache of content forgets, and holds nothing without memory") {
    ContentCache cache(places * block_bytes);
    insert(cache, 7, 3);
    cache.forget({8}, 1);
    cache.forget({50}, 5);
    CHECK(holds(cache, 7, 1));
    CHECK_FALSE(holds(cache, 7, 3));
    insert(cache, 7, 3);
    CHECK(holds(cache, 7, 3));
    ContentCache none(places * block_bytes - 1);
    CHECK_FALSE(none.enabled());
    insert(none, 7, 1);
    none.forget({7}, 1);
    CHECK_FALSE(holds(none, 7, 1));
}
