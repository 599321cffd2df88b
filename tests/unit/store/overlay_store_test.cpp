// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/overlay_store.hpp"

#include "insitu/internal/store/memory_store.hpp"
#include "insitu/internal/store/output_file.hpp"
#include "insitu/open_store.hpp"
#include "support/catch.hpp"
#include "support/random_content.hpp"
#include "support/temporary_directory.hpp"

using namespace insitu;

TEST_CASE("an overlay reads as if it had been written, and what is below stays") {
    auto random = test::make_random(110);
    constexpr std::size_t size = 50000;  // not whole blocks
    const auto below_content = test::make_content(random, test::Content::random, size);
    MemoryStore below(size);
    below.write_at(0, below_content);
    OverlayStore overlay(below);
    auto model = below_content;
    for (int i = 0; i < 500; ++i) {
        const std::size_t at = test::below(random, size);
        const std::size_t length = test::below(random, std::min<std::size_t>(size - at, 9000) + 1);
        if (i % 3 == 0) {
            overlay.zero(at, length);
            std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(at), length, std::byte{0});
        } else {
            const auto bytes = test::make_content(random, test::Content::random, length);
            overlay.write_at(at, bytes);
            std::copy(bytes.begin(), bytes.end(), model.begin() + static_cast<std::ptrdiff_t>(at));
        }
        std::vector<std::byte> all(size);
        overlay.read_at(0, all);
        REQUIRE(all == model);
    }
    CHECK(std::equal(below_content.begin(), below_content.end(), below.bytes().begin()));
    CHECK(overlay.changed_bytes() <= 13 * block_bytes);
    std::vector<std::byte> byte(2);
    CHECK_THROWS(overlay.read_at(size - 1, byte));
}

TEST_CASE("an overlay has the holes of the store below, but for what was written") {
    const test::TemporaryDirectory directory;
    constexpr std::uint64_t size = std::uint64_t{1} << 40;
    constexpr std::uint64_t data = std::uint64_t{1} << 30;
    {
        OutputFile file(directory.file("sparse"), size);
        file.store().write_at(data, std::vector<std::byte>(block_bytes, std::byte{1}));
        file.commit();
    }
    const auto below = open_store(directory.file("sparse"), Access::read);
    OverlayStore overlay(*below);
    CHECK(overlay.next_data(0) == below->next_data(0));
    CHECK(overlay.next_hole(data) == below->next_hole(data));
    // Before, within and behind what is there.
    const std::uint64_t early = 5 * block_bytes;
    overlay.write_at(early + 7, std::vector<std::byte>(1, std::byte{2}));
    CHECK(overlay.next_data(0) == early);
    CHECK(overlay.next_data(early + 100) == early + 100);
    CHECK(overlay.next_data(early + block_bytes) == below->next_data(early));
    CHECK(overlay.next_hole(early) == early + block_bytes);
    const std::uint64_t after = below->next_hole(data);
    overlay.zero(after, 2 * block_bytes);
    CHECK(overlay.next_hole(data) == after + 2 * block_bytes);
    overlay.write_at(size - 1, std::vector<std::byte>(1, std::byte{3}));
    CHECK(overlay.next_hole(size - 1) == size);
    CHECK(overlay.next_data(after + 2 * block_bytes) == size - block_bytes);
}
