// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/face/content_hashes.hpp"

#include <algorithm>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/store/null_store.hpp"
#include "insitu/unpack.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t content_bytes = 9 * window_bytes + 5 * block_bytes;

std::vector<std::byte> mixed_content() {
    Random random = make_random(771);
    return make_content(random, Content::mixed, content_bytes);
}

std::unique_ptr<MemoryStore> packed(const std::vector<std::byte>& content, unsigned extent_blocks) {
    PackOptions options;
    options.extents.blocks = extent_blocks;
    return pack_in_memory(content, options);
}

std::vector<ManifestExtent> rows_of(const Store& store, unsigned threads = 0) {
    std::vector<ManifestExtent> rows;
    hash_contents(Image::open(store), PendingCheck::refuse,
                  [&](const ManifestExtent& row) { rows.push_back(row); }, {.threads = threads});
    return rows;
}

std::vector<std::uint64_t> differences(const Store& store, const std::vector<ManifestExtent>& rows,
                                       Manifest::Others others = Manifest::Others::zeros) {
    const Image image = Image::open(store);
    std::vector<std::uint64_t> first;
    ContentCompare compare(
        rows, image.geometry().logical_bytes(), others, nullptr,
        [&](const ContentCompare::Difference& each) { first.push_back(each.first.value); });
    UnpackOptions options;
    options.content = &compare;
    NullStore nowhere(image.geometry().logical_bytes());
    unpack(image, nowhere, options, {});
    compare.finish();
    return first;
}

}  // namespace

TEST_CASE("hashes are those of the content, in rising order, whatever the threads") {
    const auto content = mixed_content();
    const auto store = packed(content, 8);
    const auto rows = rows_of(*store, 1);
    std::vector<bool> named(content.size() / block_bytes);
    BlockIndex end{0};
    for (const ManifestExtent& row : rows) {
        CHECK(row.first >= end);
        end = row.end();
        REQUIRE(end.value * block_bytes <= content.size());
        CHECK(row.hash == content_hash(ByteView(content).subspan(row.first.value * block_bytes,
                                                                 row.blocks * block_bytes)));
        for (std::uint64_t i = 0; i < row.blocks; ++i)
            named[row.first.value + i] = true;
    }
    for (std::size_t i = 0; i < named.size(); ++i) {
        const ByteView block = ByteView(content).subspan(i * block_bytes, block_bytes);
        const bool zeros = std::all_of(block.begin(), block.end(),
                                       [](std::byte byte) { return byte == std::byte{0}; });
        CHECK(named[i] != zeros);
    }
    const auto with_threads = rows_of(*store, 7);
    CHECK(with_threads.size() == rows.size());
    CHECK(std::equal(rows.begin(), rows.end(), with_threads.begin(),
                     [](const ManifestExtent& a, const ManifestExtent& b) {
                         return a.first == b.first && a.blocks == b.blocks && a.hash == b.hash;
                     }));
}

TEST_CASE("the same content has no difference, however it is cut") {
    const auto content = mixed_content();
    for (const unsigned rows_by : {0U, 1U, 32U}) {
        const auto rows = rows_of(*packed(content, rows_by));
        for (const unsigned image_by : {0U, 4U, 32U})
            CHECK(differences(*packed(content, image_by), rows).empty());
    }
}

TEST_CASE("a row that spans several windows is compared as a whole") {
    const auto content = mixed_content();
    const auto store = packed(content, 32);
    const ByteView part = ByteView(content).subspan(10 * block_bytes, 100 * block_bytes);
    std::vector<ManifestExtent> rows{{{10}, 100, content_hash(part)}};
    CHECK(differences(*store, rows, Manifest::Others::unknown).empty());
    rows[0].hash.low ^= 1;
    CHECK(differences(*store, rows, Manifest::Others::unknown) == std::vector<std::uint64_t>{10});
}

TEST_CASE("each change is a difference, and nothing else is") {
    auto content = mixed_content();
    const auto rows = rows_of(*packed(content, 4));
    REQUIRE(rows.size() > 5);
    for (const std::size_t row : {std::size_t{0}, rows.size() / 2, rows.size() - 1}) {
        auto changed = content;
        changed[(rows[row].end().value * block_bytes) - 1] ^= std::byte{1};
        CHECK(differences(*packed(changed, 0), rows) ==
              std::vector<std::uint64_t>{rows[row].first.value});
    }
    // A block that was zeros, and one that is zeros now.
    auto changed = content;
    const std::uint64_t hole = [&] {
        for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
            if (rows[i].end() < rows[i + 1].first) return rows[i].end().value;
        }
        return std::uint64_t{0};
    }();
    REQUIRE(hole != 0);
    changed[hole * block_bytes + 77] = std::byte{1};
    CHECK(differences(*packed(changed, 0), rows) == std::vector<std::uint64_t>{hole});
    CHECK(differences(*packed(changed, 0), rows, Manifest::Others::unknown).empty());
    changed = content;
    std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(rows[2].first.value * block_bytes),
                rows[2].blocks * block_bytes, std::byte{0});
    CHECK(differences(*packed(changed, 0), rows) ==
          std::vector<std::uint64_t>{rows[2].first.value});
}

TEST_CASE("rows over windows without content are compared with zeros") {
    const auto content = mixed_content();
    const auto rows = rows_of(*packed(content, 32));
    // Nothing is mapped in the middle, and then nowhere.
    auto holes = content;
    std::fill(holes.begin() + 3 * window_bytes, holes.begin() + 6 * window_bytes, std::byte{0});
    const std::vector<std::byte> empty(content.size());
    for (const auto& changed : {holes, empty}) {
        std::vector<std::uint64_t> expected;
        for (const ManifestExtent& row : rows) {
            const ByteView now =
                ByteView(changed).subspan(row.first.value * block_bytes, row.blocks * block_bytes);
            if (content_hash(now) != row.hash) expected.push_back(row.first.value);
        }
        REQUIRE(expected.size() > 2);
        CHECK(differences(*packed(changed, 0), rows) == expected);
    }
    // Zeros that a row names are no difference.
    const std::vector<ManifestExtent> zeros{
        {{40}, 64, content_hash(ByteView(empty).first(64 * block_bytes))}};
    CHECK(differences(*packed(empty, 0), zeros).empty());
}

TEST_CASE("hashing ends with what the taker throws, a stop, and damage") {
    // Text: a block that is raw or unmapped has nothing by which damage could be seen.
    Random random = make_random(772);
    const auto store = packed(make_content(random, Content::text, window_bytes), 8);
    const Image image = Image::open(*store);
    unsigned calls = 0;
    CHECK_THROWS_AS(hash_contents(image, PendingCheck::refuse,
                                  [&](const ManifestExtent&) {
                                      ++calls;
                                      throw Error(ErrorKind::refused, {}, "enough");
                                  },
                                  {}),
                    Error);
    CHECK(calls == 1);
    StopFlag stop;
    stop.request();
    const auto nothing = [](const ManifestExtent&) {};
    CHECK_THROWS_WITH(hash_contents(image, PendingCheck::refuse, nothing, {.stop = &stop}),
                      Contains("stop"));
    ContentCompare compare({}, window_bytes, Manifest::Others::zeros, &stop,
                           [](const ContentCompare::Difference&) {});
    CHECK_THROWS_WITH(compare.finish(), Contains("stop"));
    store->bytes()[image.geometry().block_at_byte({0})] ^= std::byte{0xff};
    CHECK_THROWS_AS(hash_contents(image, PendingCheck::refuse, nothing, {}), Error);
}
