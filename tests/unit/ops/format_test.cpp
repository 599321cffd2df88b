// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/format.hpp"

#include <algorithm>

#include "insitu/error.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "support/catch.hpp"

using namespace insitu;

namespace {

struct Counter final : Progress {
    void begin(std::uint64_t bytes) noexcept override { total_bytes = bytes; }
    void advance(std::uint64_t bytes) noexcept override { done_bytes += bytes; }
    void syncing() noexcept override { synced = true; }
    std::uint64_t total_bytes = 0;
    std::uint64_t done_bytes = 0;
    bool synced = false;
};

}  // namespace

TEST_CASE("formatting clears every byte of old meta, and says how far it is") {
    // Filled with other bytes, as a device that was used.
    MemoryStore store(70000 * block_bytes);
    Counter progress;
    const SuperBlock super =
        format_image(store, Algorithm::deflate, TargetContent::unknown, {.progress = &progress});
    const Geometry geometry = Image::open(store).geometry();
    CHECK(super.counts == geometry.counts());
    const auto meta = ByteView(store.bytes()).subspan(block_bytes, geometry.meta_bytes());
    CHECK(std::all_of(meta.begin(), meta.end(), [](std::byte b) { return b == std::byte{0}; }));
    CHECK(store.bytes()[geometry.data_at_byte()] == std::byte{0xcc});
    CHECK(progress.total_bytes == geometry.meta_bytes());
    CHECK(progress.done_bytes == geometry.meta_bytes());
    CHECK(progress.synced);
}

TEST_CASE("formatting that is stopped leaves no image") {
    MemoryStore store(70000 * block_bytes);
    format_image(store, Algorithm::lzo, TargetContent::unknown);
    StopFlag stop;
    stop.request();
    CHECK_THROWS_AS(format_image(store, Algorithm::lzo, TargetContent::unknown, {.stop = &stop}),
                    Error);
    CHECK_THROWS_AS(Image::open(store), Error);
}
