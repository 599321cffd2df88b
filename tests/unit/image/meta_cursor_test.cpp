// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/meta_cursor.hpp"

#include <vector>

#include "insitu/format.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"

using namespace insitu;

namespace {

// An empty image of three groups and some.
struct Fixture {
    Fixture() : store(105000 * block_bytes, std::byte{0}) {
        format_image(store, Algorithm::lzo, TargetContent::zeros);
    }

    // Writes single entries through the bit string, which knows nothing of windows.
    void put_entry(std::uint64_t block, unsigned share, bool tail) {
        const unsigned entry = share | (tail ? 16U : 0U);
        for (unsigned i = 0; i < 5; ++i) {
            const std::uint64_t bit = 5 * block + i;
            std::byte& byte = store.bytes()[block_bytes + bit / 8];
            const auto mask = static_cast<std::byte>(1U << (bit % 8));
            byte = ((entry >> i) & 1) != 0 ? byte | mask : byte & ~mask;
        }
    }
    void put_extent(std::uint64_t first, unsigned blocks, unsigned sectors) {
        for (unsigned i = 0; i < blocks; ++i) {
            const unsigned share = std::min(sectors, 8U);
            put_entry(first + i, share, i > 0);
            sectors -= share;
        }
    }
    std::vector<StoredExtent> mapped(std::uint64_t window) {
        std::vector<StoredExtent> found;
        const Image image = Image::open(store);
        MetaCursor cursor(image);
        for (const StoredExtent& extent : cursor.extents_touching({window})) {
            if (!extent.unmapped()) found.push_back(extent);
        }
        return found;
    }

    std::string explained(std::uint64_t window) {
        const Image image = Image::open(store);
        MetaCursor cursor(image);
        for (const StoredExtent& extent : cursor.extents_touching({window})) {
            if (extent.fault != ExtentFault::none) return cursor.explain(extent);
        }
        return "nothing is wrong";
    }

    MemoryStore store;
};

}  // namespace

TEST_CASE("extents that stay in their window are told as they are") {
    Fixture f;
    f.put_extent(32, 32, 100);
    f.put_extent(64 + 5, 3, 24);
    REQUIRE(f.mapped(1).size() == 1);
    CHECK(f.mapped(1)[0].payload_sectors == 100);
    REQUIRE(f.mapped(2).size() == 1);
    CHECK(f.mapped(2)[0].first.value == 69);
    CHECK(f.mapped(2)[0].raw());
}

TEST_CASE("an extent over window and group borders is told by every window that it touches") {
    for (const std::uint64_t first : {std::uint64_t{40}, std::uint64_t{32768 - 10}}) {
        Fixture f;
        f.put_extent(first, 100, 300);
        for (std::uint64_t window = first / 32; window <= (first + 99) / 32; ++window) {
            const auto found = f.mapped(window);
            REQUIRE(found.size() == 1);
            CHECK(found[0].first.value == first);
            CHECK(found[0].blocks == 100);
            CHECK(found[0].payload_sectors == 300);
            CHECK(found[0].fault == ExtentFault::none);
        }
        CHECK(f.mapped(first / 32 - 1).empty());
        CHECK(f.mapped((first + 99) / 32 + 1).empty());
    }
}

TEST_CASE("shares are to be packed over a border as well") {
    Fixture f;
    f.put_extent(40, 60, 20);
    f.put_entry(70, 3, true);
    REQUIRE(f.mapped(2).size() == 1);
    CHECK(f.mapped(2)[0].fault == ExtentFault::unpacked_shares);
    CHECK(f.mapped(1)[0].fault == ExtentFault::unpacked_shares);
}

TEST_CASE("tails at the start of the device have no head") {
    Fixture f;
    f.put_entry(0, 8, true);
    f.put_entry(1, 2, true);
    const auto found = f.mapped(0);
    REQUIRE(found.size() == 1);
    CHECK(found[0].fault == ExtentFault::no_head);
    CHECK(found[0].blocks == 2);
}

TEST_CASE("a run of tails without end is told in bounded time") {
    Fixture f;
    f.put_entry(0, 8, false);
    for (std::uint64_t block = 1; block < 9000; ++block)
        f.put_entry(block, 8, true);
    for (const std::uint64_t window : {0U, 1U, 100U, 280U}) {
        const auto found = f.mapped(window);
        REQUIRE(found.size() == 1);
        CHECK(found[0].fault == ExtentFault::too_long);
        CHECK(found[0].blocks <= 32);
        CHECK(window_of(found[0].first).value == window);
    }
}

TEST_CASE("an extent that ends with the device is no fault of the meta") {
    Fixture f;
    const Image image = Image::open(f.store);
    const std::uint64_t blocks = image.geometry().data_blocks();
    f.put_extent(blocks - 2, 2, 13);
    const auto found = f.mapped((blocks - 1) / 32);
    REQUIRE(found.size() == 1);
    CHECK(found[0].blocks == 2);
}

TEST_CASE("windows without mapped blocks are skipped") {
    Fixture f;
    f.put_extent(70000, 1, 8);
    f.put_extent(100000, 1, 8);
    const Image image = Image::open(f.store);
    MetaCursor cursor(image);
    CHECK(cursor.next_mapped({0}).value == 70000 / 32);
    CHECK(cursor.next_mapped({70000 / 32}).value == 70000 / 32);
    CHECK(cursor.next_mapped({70000 / 32 + 1}).value == 100000 / 32);
    CHECK(cursor.next_mapped({100000 / 32 + 1}).value == image.geometry().window_count());
}

TEST_CASE("each fault is explained by the entry that is wrong, and what was expected") {
    Fixture f;
    f.put_extent(0, 4, 20);
    f.put_entry(3, 12, true);
    CHECK(f.explained(0) == "share of block 3 is 12 sectors, expected 0 to 8");
    f.put_extent(32, 4, 20);
    f.put_entry(35, 5, true);
    CHECK(f.explained(1) == "share of block 35 is 5 behind a share of 4, expected 0");
    f.put_entry(64, 0, false);
    f.put_entry(65, 0, true);
    f.put_entry(66, 0, true);
    CHECK(f.explained(2) == "head of 3 blocks has a share of 0, expected 1 to 8");
    // Over the border of a window, from either side.
    f.put_extent(100, 40, 20);
    f.put_entry(130, 1, true);
    CHECK(f.explained(3) == "share of block 130 is 1 behind a share of 0, expected 0");
    CHECK(f.explained(4) == f.explained(3));
    f.put_entry(0, 8, true);
    CHECK(f.explained(0) == "block 0 is a tail, expected a head");
    for (std::uint64_t block = 1; block < 3000; ++block)
        f.put_entry(block, 0, true);
    f.put_entry(0, 8, false);
    CHECK(f.explained(1) == "extent has more than 1024 blocks, expected at most 32");
}

TEST_CASE("an explanation leaves the extents of the window as they are") {
    Fixture f;
    f.put_extent(0, 4, 20);
    f.put_entry(3, 12, true);
    // Its explanation reads another group.
    f.put_extent(32768 - 10, 20, 100);
    f.put_entry(32768 + 3, 15, true);
    const Image image = Image::open(f.store);
    MetaCursor cursor(image);
    const auto extents = cursor.extents_touching({1023});
    REQUIRE(extents.back().fault == ExtentFault::bad_share);
    CHECK(cursor.explain(extents.back()) == "share of block 32771 is 15 sectors, expected 0 to 8");
    CHECK(extents.back().first.value == 32768 - 10);
    CHECK(extents.back().blocks == 20);
}
