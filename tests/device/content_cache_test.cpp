#include "device/content_cache.hpp"

#include "support/catch.hpp"

using namespace insitu;

namespace {

ContentCache::Content content(unsigned blocks) {
    return std::make_shared<const DecodedContent>(blocks * block_bytes);
}

// Heads of the same window, and so of the same shard.
constexpr BlockIndex head(unsigned block) {
    return {block};
}

}  // namespace

TEST_CASE("a cache of content drops what was not used for longest") {
    // 16 shards of two windows each.
    ContentCache cache(16 * 2 * window_bytes);
    for (unsigned i = 0; i < 4; ++i)
        cache.insert(head(i), content(16));
    REQUIRE(cache.find(head(0)));
    cache.insert(head(4), content(16));
    CHECK(cache.find(head(0)));
    CHECK_FALSE(cache.find(head(1)));
    CHECK(cache.find(head(4)));
}

TEST_CASE("a cache of content forgets, and holds nothing without memory") {
    ContentCache cache(16 * window_bytes);
    cache.insert(head(7), content(3));
    cache.forget(head(7));
    cache.forget(head(8));
    CHECK_FALSE(cache.find(head(7)));
    ContentCache none(0);
    none.insert(head(7), content(1));
    CHECK_FALSE(none.find(head(7)));
}
