// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/difference_store.hpp"

#include <cerrno>

#include "insitu/error.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "support/catch.hpp"
#include "support/random_content.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;

TEST_CASE("only sectors that differ are written, and the result is the same") {
    auto random = test::make_random(111);
    constexpr std::size_t size = std::size_t{3} << 20;
    const auto before = test::make_content(random, test::Content::mixed, size);
    auto after = before;
    std::uint64_t changed = 0;
    for (int i = 0; i < 40; ++i) {
        const std::size_t sector = test::below(random, size / sector_bytes);
        changed += after[sector * sector_bytes + 7] == before[sector * sector_bytes + 7] ? 1 : 0;
        after[sector * sector_bytes + 7] = before[sector * sector_bytes + 7] ^ std::byte{1};
    }
    MemoryStore below(size);
    below.write_at(0, before);
    int calls = 0;
    DifferenceStore store(below, [&] { ++calls; });
    store.write_at(0, before);
    store.discard(0, size);
    CHECK(calls == 0);
    // In pieces of any length, over the borders of what is compared at once.
    for (std::size_t at = 0; at < size;) {
        const std::size_t length =
            std::min<std::size_t>(size - at, (1 + test::below(random, 3000)) * sector_bytes);
        store.write_at(at, ByteView(after).subspan(at, length));
        at += length;
    }
    CHECK(calls == 1);
    CHECK(store.written_bytes() == changed * sector_bytes);
    CHECK(store.compared_bytes() == 2 * size);
    CHECK(std::equal(after.begin(), after.end(), below.bytes().begin()));
    store.zero(1000 * sector_bytes, 2000 * sector_bytes);
    std::fill_n(after.begin() + 1000 * sector_bytes, 2000 * sector_bytes, std::byte{0});
    CHECK(std::equal(after.begin(), after.end(), below.bytes().begin()));
    const std::uint64_t written = store.written_bytes();
    store.zero(1000 * sector_bytes, 2000 * sector_bytes);
    CHECK(store.written_bytes() == written);
    // Less than a sector.
    store.write_at(size - 100, std::vector<std::byte>(100, std::byte{9}));
    CHECK(store.written_bytes() == written + 100);
}

TEST_CASE("what comes before the first change keeps it from being made if it fails") {
    MemoryStore below(block_bytes);
    FaultStore guarded(below);
    guarded.fail_writes(0, EIO);
    int calls = 0;
    DifferenceStore store(guarded, [&] {
        ++calls;
        throw Error(ErrorKind::refused, {}, "not now");
    });
    const std::vector<std::byte> sector(sector_bytes);
    CHECK_THROWS_WITH(store.write_at(0, sector), "not now");
    CHECK_THROWS_WITH(store.write_at(0, sector), "not now");
    CHECK(calls == 2);
    CHECK(guarded.writes() == 0);
}
