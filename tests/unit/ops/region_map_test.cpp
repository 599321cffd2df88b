// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/region_map.hpp"

#include "insitu/stat.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

constexpr std::uint64_t windows = 21;  // no multiple of anything
constexpr std::uint64_t blocks = windows * window_blocks - 5;

std::unique_ptr<MemoryStore> make_image() {
    Random random = make_random(4900);
    auto content = make_content(random, Content::mixed, blocks * block_bytes);
    // A third of it is zeros.
    std::fill(content.begin() + 7 * window_bytes, content.begin() + 14 * window_bytes,
              std::byte{0});
    return pack_in_memory(content, {});
}

Region sum_of(const RegionMap& map) {
    Region sum;
    for (const Region& region : map.regions)
        sum += region;
    return sum;
}

}  // namespace

TEST_CASE("regions cover the device and add up to what stat says, whatever their number") {
    const auto store = make_image();
    const Image image = Image::open(*store);
    const ImageStat stat = stat_image(image, {.threads = 1});
    for (const std::uint64_t most : {0U, 1U, 2U, 5U, 20U, 21U, 1000U}) {
        for (const unsigned threads : {1U, 3U}) {
            const RegionMap map = map_regions(image, most, {.threads = threads});
            INFO(most);
            CHECK(map.regions.size() <= std::max<std::uint64_t>(most, 1));
            CHECK(map.regions.size() == ceil_div(windows, map.windows_per_region));
            const Region sum = sum_of(map);
            CHECK(sum.blocks == blocks);
            CHECK(sum.mapped_blocks == stat.extents.mapped_blocks);
            CHECK(sum.payload_sectors == stat.extents.payload_sectors);
            CHECK(sum.compressed_extents == stat.extents.compressed_extents);
            CHECK(sum.raw_extents == stat.extents.raw_extents);
            CHECK(sum.faulty_blocks == 0);
        }
    }
}

TEST_CASE("a region tells of its own windows") {
    const auto store = make_image();
    const Image image = Image::open(*store);
    WindowMap broken = get_map(*store, {3});
    broken.set_extent({0, 4, 1});
    put_map(*store, {3}, broken);
    std::byte entry;
    // A share of 15 in the window's first block: not one that a writer makes.
    const std::uint64_t at = image.geometry().window_meta_at_byte({3});
    store->read_at(at, {&entry, 1});
    entry |= std::byte{0x0f};
    store->write_at(at, {&entry, 1});
    const RegionMap map = map_regions(image, windows, {.threads = 2});
    REQUIRE(map.regions.size() == windows);
    CHECK(map.regions[3].faulty_blocks >= 1);
    CHECK(map.regions[2].faulty_blocks == 0);
    for (std::size_t i = 7; i < 14; ++i)
        CHECK(map.regions[i] == Region{.blocks = window_blocks});
    CHECK(map.regions.back().blocks == window_blocks - 5);
}
