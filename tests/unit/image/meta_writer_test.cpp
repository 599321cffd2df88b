// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/meta_writer.hpp"

#include <array>

#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "support/catch.hpp"

using namespace insitu;

namespace {

void put(MetaWriter& writer, std::uint64_t window) {
    WindowMap map;
    map.set_extent({0, 32, 7});
    map.encode(writer.slot({window}));
}

}  // namespace

TEST_CASE("on a device every meta byte is written once, and what is not mapped reads as unmapped") {
    const std::uint64_t blocks = 70000;
    const Geometry geometry(counts_for_device(blocks * block_bytes));
    MemoryStore store(blocks * block_bytes);
    MetaWriter writer(store, geometry, TargetContent::unknown);
    writer.begin_span({100});
    put(writer, 100);
    put(writer, 2000);
    writer.commit_span();
    writer.finish();
    CHECK(writer.written_bytes() == geometry.meta_bytes());
    for (std::uint64_t at = 0; at < geometry.meta_bytes(); ++at) {
        const bool mapped = at / 20 == 100 || at / 20 == 2000;
        if (!mapped) REQUIRE(store.bytes()[block_bytes + at] == std::byte{0});
    }
    CHECK(store.bytes()[block_bytes + 20 * 100] != std::byte{0});
    CHECK(store.bytes()[geometry.data_at_byte()] == std::byte{0xcc});
}

TEST_CASE("on a device spans that nobody wrote to read as unmapped") {
    const std::uint64_t windows = 5 * meta_span_windows + 10;
    const Geometry geometry(counts_for_device(windows * window_bytes));
    // Meta is all that is written; behind it, one block.
    MemoryStore store(geometry.data_at_byte() + block_bytes);
    MetaWriter writer(store, geometry, TargetContent::unknown);
    const std::uint64_t first = meta_span_windows + 3;
    const std::uint64_t second = 3 * meta_span_windows;
    for (const std::uint64_t window : {first, second}) {
        writer.begin_span({window});
        put(writer, window);
        writer.commit_span();
    }
    writer.finish();
    CHECK(writer.written_bytes() == geometry.meta_bytes());
    const auto meta = store.bytes().subspan(block_bytes, geometry.meta_bytes());
    for (std::uint64_t at = 0; at < meta.size(); ++at) {
        const std::uint64_t window = at / window_meta_bytes;
        if (window != first && window != second && meta[at] != std::byte{0})
            FAIL("meta byte " << at);
    }
    CHECK(meta[first * window_meta_bytes] != std::byte{0});
    CHECK(meta[second * window_meta_bytes] != std::byte{0});
    CHECK(store.bytes()[geometry.data_at_byte()] == std::byte{0xcc});
}

TEST_CASE("in a new file only meta blocks that map something are written") {
    const std::uint64_t blocks = 70000;
    const Geometry geometry(counts_for_device(blocks * block_bytes));
    MemoryStore store(blocks * block_bytes);
    MetaWriter writer(store, geometry, TargetContent::zeros);
    writer.begin_span({100});
    put(writer, 100);
    put(writer, 2000);
    writer.commit_span();
    writer.finish();
    CHECK(writer.written_bytes() == 2 * block_bytes);
}
