// SPDX-License-Identifier: GPL-2.0-or-later
// Into which extents writes go, and what of them stays in memory.
#include <array>

#include "device/device_model.hpp"
#include "insitu/error.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "testing/fault_store.hpp"
#include "window/block_pool.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

// Windows that are one extent each.
std::unique_ptr<MemoryStore> whole_windows() {
    return text_image(window_blocks, 4);
}

unsigned extents_after(std::initializer_list<unsigned> written_blocks) {
    const auto store = whole_windows();
    Device device(*store, {});
    for (const unsigned block : written_blocks)
        device.write(block * block_bytes, text(1));
    device.close();
    CHECK(find_fault(*store) == "");
    return get_map(*store, {0}).extents().size();
}

}  // namespace

TEST_CASE("a window that is written at random is cut into blocks at once") {
    CHECK(extents_after({5}) == window_blocks);
    CHECK(extents_after({5, 6, 7}) == window_blocks - 2);
    CHECK(extents_after({5, 20}) == window_blocks);
    CHECK(extents_after({5, 6, 7, 8, 20}) == window_blocks - 3);
    // A stream, at whatever end.
    CHECK(extents_after({5, 6, 7, 8}) == 3);
    CHECK(extents_after({0, 1, 2, 3}) == 2);
    CHECK(extents_after({28, 29, 30, 31}) == 2);
}

TEST_CASE("zeros cut out of an extent leave the rest in runs") {
    const auto store = whole_windows();
    Device device(*store, {});
    device.unmap(5 * block_bytes, block_bytes);
    device.unmap(9 * block_bytes, block_bytes);
    device.close();
    CHECK(get_map(*store, {0}).extents().size() == 5);
}

TEST_CASE("what is put together when idle is encoded with more effort than a writer waits for") {
    const auto store = format_in_memory(1024, Algorithm::lzo);
    DeviceOptions options;
    options.compaction = Compaction::idle;
    Device device(*store, options);
    const auto content = text(window_blocks);
    device.write(window_bytes, content);
    for (std::size_t at = 0; at < window_bytes; at += block_bytes)
        device.write(at, ByteView(content).subspan(at, block_bytes), Device::Durability::fua);
    device.do_idle_work();
    device.close();
    const auto sectors = [&](std::uint64_t window) {
        const Extent extent = get_map(*store, {window}).extent_at(0);
        CHECK(extent.blocks == window_blocks);
        return extent.payload_sectors;
    };
    CHECK(sectors(0) < sectors(1));
}

TEST_CASE("blocks that were written as a stream are read from memory, few are not") {
    const auto store = whole_windows();
    FaultStore counted(*store);
    Device device(counted, {});
    device.write(0, text(1));
    device.write(window_bytes, text(4));
    device.write(2 * window_bytes + 31 * block_bytes, text(1));
    device.write(3 * window_bytes, text(3));
    device.flush();
    counted.fail_reads(device.geometry().block_at_byte({0}), 4 * window_bytes);
    std::vector<std::byte> block(block_bytes);
    CHECK_THROWS_AS(device.read(0, block), Error);
    // Side by side, and yet in two windows.
    CHECK_THROWS_AS(device.read(2 * window_bytes + 31 * block_bytes, block), Error);
    CHECK_THROWS_AS(device.read(3 * window_bytes, block), Error);
    std::vector<std::byte> stream(4 * block_bytes);
    device.read(window_bytes, stream);
    CHECK(stream == text(4));
}

TEST_CASE("what was in memory is not read after another write to it") {
    const auto store = whole_windows();
    Device device(*store, {});
    device.write(0, text(2));
    device.flush();
    Random random = make_random(11);
    const auto other = make_content(random, Content::random, block_bytes);
    device.write(block_bytes, other);
    device.flush();
    std::vector<std::byte> block(block_bytes);
    device.read(block_bytes, block);
    CHECK(block == other);
    device.unmap(0, block_bytes);
    device.flush();
    device.read(0, block);
    CHECK(block == std::vector<std::byte>(block_bytes));
    device.close();
}

TEST_CASE("memory of blocks is used again, and given back") {
    BlockPool pool;
    std::array<BlockPool::Block, 3> blocks{pool.take(), pool.take(), nullptr};
    const std::byte* const first = blocks[0].get();
    const std::byte* const second = blocks[1].get();
    pool.give(blocks.begin(), blocks.end());
    CHECK(blocks[0] == nullptr);
    blocks[2] = pool.take();
    CHECK(blocks[2].get() == second);
    CHECK(pool.take().get() == first);
    pool.give(blocks.begin(), blocks.end());
    CHECK(pool.idle() == 1);
    pool.trim();
    CHECK(pool.idle() == 0);
}
