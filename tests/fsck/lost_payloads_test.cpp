// SPDX-License-Identifier: GPL-2.0-or-later
// M07: payloads that stand in blocks which the meta has as unmapped.
#include "fsck/test_device.hpp"
#include "insitu/check.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

class Told final : public FindingSink {
  public:
    void found(const Finding& finding) override { findings.push_back(finding); }
    std::vector<Finding> findings;
};

// Three windows of text, one of zeros, one of random bytes, and half a window of text.
TestDevice make_image(Algorithm algorithm) {
    Random random = make_random(4700);
    std::vector<std::byte> content = make_content(random, Content::text, 3 * window_bytes);
    content.resize(4 * window_bytes);
    for (const auto& [kind, bytes] :
         {std::pair{Content::random, window_bytes}, std::pair{Content::text, window_bytes / 2}}) {
        const auto more = make_content(random, kind, bytes);
        content.insert(content.end(), more.begin(), more.end());
    }
    PackOptions options;
    options.codec.algorithm = algorithm;
    options.extents = {4};
    const auto store = pack_in_memory(content, options);
    return TestDevice(std::vector<std::byte>(store->bytes().begin(), store->bytes().end()));
}

// The compressed extents of a window, which then are unmapped.
std::vector<Extent> lose_meta(Store& store, WindowIndex window) {
    const WindowMap map = get_map(store, window);
    std::vector<Extent> lost;
    for (const Extent extent : map.extents()) {
        if (!extent.unmapped() && !extent.raw()) lost.push_back(extent);
    }
    put_map(store, window, WindowMap(map.blocks()));
    return lost;
}

std::vector<Finding> check_of(const Store& store, CheckOptions options = {}) {
    Told told;
    CHECK(check(store, options, told, {.threads = 2}).clean());
    return told.findings;
}

}  // namespace

TEST_CASE("unmapped blocks that hold no payload are not worth a word") {
    // The target was filled with other bytes before.
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate})
        CHECK(check_of(make_image(algorithm)).empty());
}

TEST_CASE("meta that was lost is told by the payloads that it leaves") {
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        TestDevice device = make_image(algorithm);
        std::uint64_t blocks = 0;
        std::size_t payloads = 0;
        for (const std::uint64_t window : {1U, 2U, 5U}) {
            for (const Extent& extent : lose_meta(device, {window})) {
                blocks += extent.blocks;
                ++payloads;
            }
        }
        REQUIRE(payloads >= 3);
        const auto findings = check_of(device);
        REQUIRE(findings.size() == 1);
        const Finding& finding = findings.front();
        CHECK(finding.id == FindingId::m07);
        CHECK(finding.severity == Severity::warning);
        CHECK(finding.window == WindowIndex{1});
        CHECK(finding.block == BlockIndex{window_blocks});
        CHECK_THAT(finding.detail, Contains(std::to_string(payloads) + " payloads"));
        CHECK_THAT(finding.detail, Contains("of " + std::to_string(blocks) + " blocks"));
        CHECK(check_of(device, {.depth = CheckOptions::Depth::meta}).empty());
    }
}

TEST_CASE("one extent that was unmapped among others is told") {
    TestDevice device = make_image(Algorithm::lzo);
    WindowMap map = get_map(device, {5});
    const Extent first = map.extent_at(0);
    REQUIRE_FALSE(first.raw());
    REQUIRE(first.blocks < map.blocks());
    map.set_extent({0, first.blocks, 0});
    put_map(device, {5}, map);
    const auto findings = check_of(device);
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().block == first_block_of({5}));
    CHECK_THAT(findings.front().detail, Contains("1 payload that decodes"));
}

TEST_CASE("raw content whose meta was lost leaves no evidence") {
    TestDevice device = make_image(Algorithm::lzo);
    CHECK(lose_meta(device, {4}).empty());
    CHECK(check_of(device).empty());
}

TEST_CASE("unmapped blocks that cannot be read are nobody's concern") {
    TestDevice device = make_image(Algorithm::lzo);
    lose_meta(device, {2});
    const std::uint64_t at =
        Geometry(Image::open(device).geometry()).block_at_byte(first_block_of({2}));
    device.make_unreadable(at, block_bytes);
    CHECK(check_of(device).empty());
}
