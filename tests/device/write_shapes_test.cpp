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

// Four windows of text, each one extent, and room for a journal behind them.
std::unique_ptr<MemoryStore> text_image() {
    Random random = make_random(8);
    PackOptions options;
    options.extents.blocks = window_blocks;
    auto content = make_content(random, Content::text, 4 * window_bytes);
    content.resize(32 * window_bytes);
    return pack_in_memory(content, options);
}

std::vector<std::byte> text(std::uint64_t blocks) {
    Random random = make_random(9);
    return make_content(random, Content::text, blocks * block_bytes);
}

unsigned extents_after(std::initializer_list<unsigned> written_blocks) {
    const auto store = text_image();
    Device device(*store, {});
    for (const unsigned block : written_blocks)
        device.write(block * block_bytes, text(1));
    device.close();
    CHECK(find_fault(*store) == "");
    return get_map(*store, {0}).extents().size();
}

}  // namespace

TEST_CASE("a window that is written at random is cut into blocks at once") {
    CHECK(extents_after({5}) == 3);
    CHECK(extents_after({5, 6, 7}) == 3);
    CHECK(extents_after({5, 20}) == 5);
    CHECK(extents_after({5, 20, 30}) == window_blocks);
    CHECK(extents_after({0, 15, 31}) == window_blocks);
}

TEST_CASE("blocks that were written side by side are read from memory, single ones are not") {
    const auto store = text_image();
    FaultStore counted(*store);
    Device device(counted, {});
    device.write(0, text(1));
    device.write(window_bytes, text(2));
    device.write(2 * window_bytes + 31 * block_bytes, text(1));
    device.write(3 * window_bytes, text(1));
    device.flush();
    counted.fail_reads(device.geometry().block_at_byte({0}), 4 * window_bytes);
    std::vector<std::byte> block(block_bytes);
    CHECK_THROWS_AS(device.read(0, block), Error);
    // Side by side, and yet in two windows.
    CHECK_THROWS_AS(device.read(2 * window_bytes + 31 * block_bytes, block), Error);
    CHECK_THROWS_AS(device.read(3 * window_bytes, block), Error);
    std::vector<std::byte> pair(2 * block_bytes);
    device.read(window_bytes, pair);
    CHECK(pair == text(2));
}

TEST_CASE("what was in memory is not read after another write to it") {
    const auto store = text_image();
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
