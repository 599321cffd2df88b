// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/block_device.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "insitu/error.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "insitu/open_store.hpp"
#include "insitu/pack.hpp"
#include "insitu/target.hpp"
#include "insitu/unpack.hpp"
#include "support/catch.hpp"
#include "support/loop_device.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using Catch::Matchers::Contains;
using test::LoopDevice;

TEST_CASE("a device is written in whole sectors, not a sector more") {
    LoopDevice loop(64 << 20);
    BlockDevice device(loop.path(), Access::read_write, Sharing::exclusive);
    CHECK(device.size_bytes() == 64 << 20);
    CHECK(device.logical_sector_bytes() == 512);
    std::vector<std::byte> warm(4096);
    device.read_at(0, warm);
    const LoopDevice::Counters before = loop.counters();
    // A payload of three sectors from memory that is not aligned.
    const std::vector<std::byte> payload(3 * 512 + 1, std::byte{0x5a});
    device.write_at(5 * 4096, ByteView(payload).subspan(1));
    device.sync();
    const LoopDevice::Counters after = loop.counters();
    CHECK(after.written_sectors - before.written_sectors == 3);
    CHECK(after.read_sectors == before.read_sectors);
    std::vector<std::byte> again(3 * 512);
    device.read_at(5 * 4096, again);
    CHECK(again[0] == std::byte{0x5a});
    device.drop_cache();
    device.read_at(5 * 4096 + 100, ByteSpan(again).first(77));
    CHECK_THROWS_AS(device.write_at(100, again), Error);
}

TEST_CASE("packing a device writes payload, meta and super block, exactly") {
    LoopDevice loop(64 << 20);
    auto random = test::make_random(120);
    const auto content = test::make_content(random, test::Content::mixed, 20 << 20);
    MemoryStore source(content.size(), std::byte{0}, "source");
    source.write_at(0, content);
    Target target(loop.path(), TargetKind::image, 0, Target::Overwrite::refuse);
    const LoopDevice::Counters before = loop.counters();
    const PackResult result = pack(*make_source(source), target.store(),
                                   {.target_content = target.content()}, {.threads = 2});
    target.commit();
    const std::uint64_t written = loop.counters().written_sectors - before.written_sectors;
    const Geometry geometry(result.super.counts);
    CHECK(written ==
          result.extents.payload_sectors + geometry.meta_blocks() * 8 + sectors_per_block);
    CHECK(result.written_bytes == written * 512);

    const Image image = Image::open(target.store());
    MemoryStore unpacked(geometry.logical_bytes(), std::byte{0});
    unpack(image, unpacked, {}, {.threads = 2});
    CHECK(std::equal(content.begin(), content.end(), unpacked.bytes().begin()));
}

TEST_CASE("nothing that lay on a reused device shows through unmapped blocks") {
    LoopDevice loop(32 << 20);
    {
        BlockDevice device(loop.path(), Access::read_write, Sharing::exclusive);
        const std::vector<std::byte> old(1 << 20, std::byte{0xee});
        for (std::uint64_t at = 0; at < device.size_bytes(); at += old.size()) {
            device.write_at(at, old);
        }
    }
    std::vector<std::byte> content(8 << 20);
    content[5 << 20] = std::byte{1};
    MemoryStore source(content.size(), std::byte{0}, "source");
    source.write_at(0, content);
    Target target(loop.path(), TargetKind::image, 0, Target::Overwrite::refuse);
    pack(*make_source(source), target.store(),
         {.target_content = target.content(), .verify = PackOptions::Verify::yes}, {.threads = 2});
    const Image image = Image::open(target.store());
    MemoryStore unpacked(image.geometry().logical_bytes(), std::byte{0x77});
    UnpackOptions options;
    options.target_content = TargetContent::unknown;
    unpack(image, unpacked, options, {.threads = 2});
    CHECK(std::equal(content.begin(), content.end(), unpacked.bytes().begin()));
    for (std::size_t at = content.size(); at < unpacked.bytes().size(); ++at) {
        REQUIRE(unpacked.bytes()[at] == std::byte{0});
    }
}

TEST_CASE("holes of the target are discarded where the device can") {
    LoopDevice loop(32 << 20);
    {
        BlockDevice device(loop.path(), Access::read_write, Sharing::exclusive);
        const std::vector<std::byte> old(1 << 20, std::byte{0xee});
        for (std::uint64_t at = 0; at < device.size_bytes(); at += old.size()) {
            device.write_at(at, old);
        }
        device.sync();
    }
    REQUIRE(loop.allocated_bytes() > 30 << 20);
    MemoryStore source(8 << 20, std::byte{7}, "source");
    Target target(loop.path(), TargetKind::image, 0, Target::Overwrite::refuse);
    pack(*make_source(source), target.store(), {.target_content = target.content()},
         {.threads = 2});
    target.commit();
    CHECK(loop.allocated_bytes() < 2 << 20);
}

TEST_CASE("a device that is in use, or locked, or of other sectors, is refused") {
    LoopDevice loop(16 << 20);
    {
        const BlockDevice holder(loop.path(), Access::read_write, Sharing::exclusive);
        CHECK_THROWS_WITH(BlockDevice(loop.path(), Access::read, Sharing::exclusive),
                          Contains("in use"));
        CHECK_NOTHROW(BlockDevice(loop.path(), Access::read, Sharing::shared));
    }
    LoopDevice large_sectors(16 << 20, 4096);
    CHECK_THROWS_WITH(Target(large_sectors.path(), TargetKind::image, 0, Target::Overwrite::refuse),
                      Contains("sectors of 4096 bytes"));
    CHECK_NOTHROW(Target(large_sectors.path(), TargetKind::raw, 0, Target::Overwrite::refuse));
}

TEST_CASE("the file below a loop device is the same storage") {
    LoopDevice loop(16 << 20);
    CHECK(same_storage(loop.path(), loop.backing_file()));
    CHECK(same_storage(loop.backing_file(), loop.path()));
}

TEST_CASE("a loop device and the file below it are locked together") {
    LoopDevice loop(16 << 20);
    {
        const auto file = open_store(loop.backing_file(), Access::read_write);
        CHECK_THROWS_WITH(BlockDevice(loop.path(), Access::read, Sharing::exclusive),
                          Contains("another program is writing to it"));
        CHECK_NOTHROW(BlockDevice(loop.path(), Access::read, Sharing::shared));
    }
    {
        const auto file = open_store(loop.backing_file(), Access::read);
        CHECK_NOTHROW(BlockDevice(loop.path(), Access::read, Sharing::exclusive));
        CHECK_THROWS_WITH(BlockDevice(loop.path(), Access::read_write, Sharing::exclusive),
                          Contains("another program has it open"));
    }
    const BlockDevice device(loop.path(), Access::read_write, Sharing::exclusive);
    CHECK_THROWS_AS(open_store(loop.backing_file(), Access::read), Error);
}

TEST_CASE("queued writes arrive, whatever their number, size and alignment in memory") {
    LoopDevice loop(16 << 20);
    BlockDevice device(loop.path(), Access::read_write, Sharing::exclusive);
    auto random = test::make_random(121);
    const auto content = test::make_content(random, test::Content::random, 8 << 20);
    std::vector<std::byte> passing;
    {
        const auto queue = device.write_queue();
        for (std::size_t at = 0; at < content.size();) {
            const std::size_t length = std::min<std::size_t>(
                content.size() - at, 512 * (1 + static_cast<std::size_t>(random() % 700)));
            // The memory is another one, and changes as soon as the call has returned.
            passing.assign(content.begin() + static_cast<std::ptrdiff_t>(at),
                           content.begin() + static_cast<std::ptrdiff_t>(at + length));
            queue->write_at(at, passing);
            std::fill(passing.begin(), passing.end(), std::byte{0});
            at += length;
        }
        queue->finish();
    }
    std::vector<std::byte> again(content.size());
    device.read_at(0, again);
    CHECK(again == content);
}

TEST_CASE("of queued writes that fail, the lowest place is told, and the queue goes on") {
    LoopDevice loop(16 << 20);
    BlockDevice device(loop.path(), Access::read_write, Sharing::exclusive);
    const auto queue = device.write_queue();
    const std::vector<std::byte> sector(512, std::byte{0x5a});
    const std::uint64_t end = 16 << 20;
    queue->write_at(end + 4096, sector);
    queue->write_at(end, sector);
    queue->write_at(end + 8192, sector);
    CHECK_THROWS_WITH(queue->finish(), Contains(fmt::format("byte {}", end)));
    queue->write_at(end - 512, sector);
    CHECK_NOTHROW(queue->finish());
    std::vector<std::byte> again(512);
    device.read_at(end - 512, again);
    CHECK(again == sector);
}
