// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/dump.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using test::Content;

namespace {

struct Collected final : DumpSink {
    void extent(const DumpedExtent& extent) override { extents.push_back(extent); }
    void unsound_window(WindowIndex window,
                        std::span<const std::byte, window_meta_bytes> meta) override {
        unsound.emplace_back(window, std::vector<std::byte>(meta.begin(), meta.end()));
    }
    std::vector<DumpedExtent> extents;
    std::vector<std::pair<WindowIndex, std::vector<std::byte>>> unsound;
};

Collected collect(const Store& store, DumpOptions options, unsigned threads = 2) {
    Collected sink;
    dump(Image::open(store), options, sink, {.threads = threads});
    return sink;
}

}  // namespace

TEST_CASE("what a dump prints is enough to make the meta again") {
    auto random = test::make_random(50);
    const auto content = test::make_content(random, Content::mixed, 100 * window_bytes + 5000);
    const auto store = test::pack_in_memory(content, {});
    // A window of garbage, which extents alone cannot describe.
    const Geometry geometry = Image::open(*store).geometry();
    for (std::size_t i = 0; i < 20; ++i) {
        store->bytes()[geometry.window_meta_at_byte({7}) + i] = static_cast<std::byte>(random());
    }
    // An extent whose shares are packed in each of its two windows, and not over the border.
    WindowMap straddling;
    straddling.set_extent({0, 32, 100});
    test::put_map(*store, {10}, straddling);
    store->bytes()[geometry.window_meta_at_byte({11})] |= std::byte{0x10 | 5};
    const Collected dumped = collect(*store, {.payloads = DumpOptions::Payloads::ignore});

    std::vector<std::byte> again(geometry.meta_bytes());
    for (const DumpedExtent& dumped_extent : dumped.extents) {
        const StoredExtent& extent = dumped_extent.extent;
        if (extent.fault != ExtentFault::none || extent.blocks > 32) continue;
        const WindowIndex window = window_of(extent.first);
        const auto slot = std::span(again).subspan(window.value * 20).first<20>();
        WindowMap map = WindowMap::decode(slot);
        map.set_extent({static_cast<unsigned>(extent.first.value % 32), extent.blocks,
                        extent.payload_sectors});
        map.encode(slot);
    }
    for (const auto& [window, meta] : dumped.unsound) {
        std::copy(meta.begin(), meta.end(),
                  again.begin() + static_cast<std::ptrdiff_t>(window.value * 20));
    }
    const std::uint64_t used = (5 * geometry.data_blocks() + 7) / 8;
    CHECK(std::equal(again.begin(), again.begin() + static_cast<std::ptrdiff_t>(used),
                     store->bytes().begin() + block_bytes));
}

TEST_CASE("hashes are of the logical content, whatever the extents") {
    auto random = test::make_random(51);
    const auto content = test::make_content(random, Content::text, 3 * window_bytes);
    const auto store = test::pack_in_memory(content, {.extents = {8}});
    const Collected dumped = collect(*store, {.payloads = DumpOptions::Payloads::hashes});
    REQUIRE(dumped.extents.size() == 12);
    for (std::size_t i = 0; i < 12; ++i) {
        const XXH128_hash_t hash = XXH3_128bits(content.data() + i * 32768, 32768);
        CHECK(dumped.extents[i].hash == fmt::format("{:016x}{:016x}", hash.high64, hash.low64));
    }
}

TEST_CASE("a range tells the extents that start in it") {
    auto random = test::make_random(52);
    const auto content = test::make_content(random, Content::text, 3 * window_bytes);
    const auto store = test::pack_in_memory(content, {.extents = {4}});
    const Collected dumped = collect(*store, {.first = {33}, .end = BlockIndex{45}});
    REQUIRE(dumped.extents.size() == 3);
    CHECK(dumped.extents[0].extent.first.value == 36);
    CHECK(dumped.extents[2].extent.first.value == 44);
    CHECK_THROWS(collect(*store, {.first = {0}, .end = BlockIndex{100000}}));
}
