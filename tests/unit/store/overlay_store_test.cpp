#include "insitu/store/overlay_store.hpp"

#include "insitu/store/memory_store.hpp"
#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;

TEST_CASE("an overlay reads as if it had been written, and what is below stays") {
    auto random = test::make_random(110);
    constexpr std::size_t size = 50000;  // not whole blocks
    const auto below_content = test::make_content(random, test::Content::random, size);
    MemoryStore below(size);
    below.write_at(0, below_content);
    OverlayStore overlay(below);
    auto model = below_content;
    for (int i = 0; i < 500; ++i) {
        const std::size_t at = test::below(random, size);
        const std::size_t length = test::below(random, std::min<std::size_t>(size - at, 9000) + 1);
        if (i % 3 == 0) {
            overlay.zero(at, length);
            std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(at), length, std::byte{0});
        } else {
            const auto bytes = test::make_content(random, test::Content::random, length);
            overlay.write_at(at, bytes);
            std::copy(bytes.begin(), bytes.end(), model.begin() + static_cast<std::ptrdiff_t>(at));
        }
        std::vector<std::byte> all(size);
        overlay.read_at(0, all);
        REQUIRE(all == model);
    }
    CHECK(std::equal(below_content.begin(), below_content.end(), below.bytes().begin()));
    CHECK(overlay.changed_bytes() <= 13 * block_bytes);
    std::vector<std::byte> byte(2);
    CHECK_THROWS(overlay.read_at(size - 1, byte));
}
