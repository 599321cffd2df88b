// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/stat.hpp"

#include "insitu/format.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using test::Content;

TEST_CASE("stat tells what pack told, by any number of threads") {
    auto random = test::make_random(80);
    auto content = test::make_content(random, Content::mixed, 40000 * block_bytes);
    MemoryStore source(content.size(), std::byte{0}, "source");
    source.write_at(0, content);
    MemoryStore target(pack_target_bytes(content.size()), std::byte{0});
    const PackResult packed = pack(*make_source(source), target, {}, {.threads = 2});
    for (const unsigned threads : {1U, 2U, 7U}) {
        const ImageStat stat = stat_image(Image::open(target), {.threads = threads});
        CHECK(stat.extents.mapped_blocks == packed.extents.mapped_blocks);
        CHECK(stat.extents.payload_sectors == packed.extents.payload_sectors);
        CHECK(stat.extents.host_blocks == packed.extents.host_blocks);
        CHECK(stat.extents.single_read_sectors == packed.extents.single_read_sectors);
        CHECK(stat.extents.raw_extents == packed.extents.raw_extents);
        CHECK(stat.extents.compressed_extents == packed.extents.compressed_extents);
        CHECK(stat.faulty_extents == 0);
        std::uint64_t extents = 0;
        for (const std::uint64_t count : stat.extents_by_blocks)
            extents += count;
        CHECK(extents == packed.extents.raw_extents + packed.extents.compressed_extents);
    }
}

TEST_CASE("meta that makes no sense is counted apart") {
    MemoryStore store(400 * block_bytes);
    format_image(store, Algorithm::lzo, TargetContent::unknown);
    const Geometry geometry = Image::open(store).geometry();
    store.write_at(geometry.window_meta_at_byte({0}), std::vector<std::byte>(1, std::byte{0x10}));
    store.write_at(geometry.window_meta_at_byte({2}), std::vector<std::byte>(1, std::byte{0x09}));
    const ImageStat stat = stat_image(Image::open(store), {.threads = 1});
    CHECK(stat.faulty_extents == 2);
    CHECK(stat.no_heads == 1);
    CHECK(stat.extents.mapped_blocks == 0);
}
