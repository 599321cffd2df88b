// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/pack.hpp"

#include <algorithm>
#include <atomic>

#include "insitu/error.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using Catch::Matchers::Contains;
using test::Content;

namespace {

PackResult pack_bytes(ByteView content, Store& target, PackOptions options = {}) {
    MemoryStore source(content.size(), std::byte{0}, "source");
    source.write_at(0, content);
    options.target_content = TargetContent::unknown;
    return pack(*make_source(source), target, options, {.threads = 2});
}

// Which parts of an image hold writes that no sync has brought to the medium yet.
class OrderStore final : public Store {
  public:
    OrderStore(std::uint64_t size_bytes, const Geometry& geometry)
        : Store("order"), below_(size_bytes), geometry_(geometry) {}

    std::uint64_t size_bytes() const override { return below_.size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        below_.read_at(at_byte, output);
    }
    void write_at(std::uint64_t at_byte, ByteView input) override {
        note(at_byte);
        below_.write_at(at_byte, input);
    }
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override {
        note(at_byte);
        below_.zero(at_byte, length_bytes);
    }
    void sync() override {
        unsynced_data_ = false;
        unsynced_meta_ = false;
    }
    bool meta_before_data() const noexcept { return meta_before_data_; }
    bool super_before_meta() const noexcept { return super_before_meta_; }

  private:
    void note(std::uint64_t at_byte) {
        if (at_byte >= geometry_.data_at_byte()) {
            unsynced_data_ = true;
        } else if (at_byte >= geometry_.meta_at_byte()) {
            meta_before_data_ = meta_before_data_ || unsynced_data_;
            unsynced_meta_ = true;
        } else {
            super_before_meta_ = super_before_meta_ || unsynced_meta_ || unsynced_data_;
        }
    }

    MemoryStore below_;
    Geometry geometry_;
    std::atomic<bool> unsynced_data_ = false;
    bool unsynced_meta_ = false;
    bool meta_before_data_ = false;
    bool super_before_meta_ = false;
};

}  // namespace

TEST_CASE("data is on the medium before the meta that names it, and the super block comes last") {
    auto random = test::make_random(77);
    const auto content = test::make_content(random, Content::mixed, 9 * window_bytes);
    const std::uint64_t bytes = pack_target_bytes(content.size());
    OrderStore target(bytes, Geometry(counts_for_device(bytes)));
    pack_bytes(content, target);
    CHECK_FALSE(target.meta_before_data());
    CHECK_FALSE(target.super_before_meta());
}

TEST_CASE("blocks of zeros stay unmapped, whatever the extent size") {
    std::vector<std::byte> content(4 * window_bytes, std::byte{0x5a});
    for (const std::size_t block : {3U, 40U, 41U, 95U}) {
        std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(block * block_bytes), block_bytes,
                    std::byte{0});
    }
    for (const unsigned size : {0U, 1U, 4U, 32U}) {
        const auto store = test::pack_in_memory(content, {.extents = {size}});
        for (std::uint64_t block = 0; block < 128; ++block) {
            const WindowMap map = test::get_map(*store, window_of({block}));
            const auto in_window = static_cast<unsigned>(block % 32);
            const bool unmapped = !map.is_tail(in_window) && map.share(in_window) == 0;
            CHECK(unmapped == (block == 3 || block == 40 || block == 41 || block == 95));
            if (size != 0 && block % size == 0) CHECK_FALSE(map.is_tail(in_window));
        }
        CHECK(test::unpack_in_memory(*store) == content);
    }
}

TEST_CASE("the bytes written are payload, meta and super block, no more") {
    auto random = test::make_random(70);
    const auto content = test::make_content(random, Content::mixed, 20 * window_bytes);
    MemoryStore target(pack_target_bytes(content.size()), std::byte{0});
    const PackResult result = pack_bytes(content, target);
    const Geometry geometry(result.super.counts);
    CHECK(result.written_bytes ==
          result.extents.payload_sectors * 512 + geometry.meta_bytes() + block_bytes);
}

TEST_CASE("the totals are those of the extents") {
    ExtentTotals totals;
    totals.add(32, 100);
    totals.add(1, 8);
    totals.add(2, 3);
    CHECK(totals.mapped_blocks == 35);
    CHECK(totals.payload_sectors == 111);
    CHECK(totals.compressed_extents == 2);
    CHECK(totals.raw_extents == 1);
    CHECK(totals.host_blocks == 13 + 1 + 1);
    CHECK(totals.single_read_sectors == 3200 + 8 + 6);
    CHECK(totals.mean_read_bytes() == Approx(3214.0 * 512 / 35));
}

TEST_CASE("an interrupted pack leaves nothing that looks like an image") {
    auto random = test::make_random(71);
    const auto content = test::make_content(random, Content::mixed, 10 * window_bytes);
    MemoryStore target(pack_target_bytes(content.size()));
    // What was there before was an image.
    pack_bytes(content, target);
    FaultStore counting(target);
    pack_bytes(content, counting);
    const std::uint64_t writes = counting.writes();
    REQUIRE(writes > 20);
    // The last two operations are the super block and its sync.
    for (std::uint64_t cut = 0; cut < writes - 1; ++cut) {
        pack_bytes(content, target);
        FaultStore faults(target);
        faults.fail_writes(cut, EIO);
        CHECK_THROWS_AS(pack_bytes(content, faults), Error);
        if (cut == 0) continue;  // nothing was changed yet
        CHECK_THROWS_WITH(Image::open(target), Contains("not an insitu-comp image"));
    }
}

TEST_CASE("a full target is an io error that names the place") {
    auto random = test::make_random(72);
    const auto content = test::make_content(random, Content::random, 10 * window_bytes);
    MemoryStore target(pack_target_bytes(content.size()));
    FaultStore faults(target);
    faults.fail_writes(7, ENOSPC);
    try {
        pack_bytes(content, faults);
        FAIL("nothing failed");
    } catch (const Error& error) {
        CHECK(error.os_error() == ENOSPC);
        CHECK_THAT(error.what(), Contains("memory: byte "));
    }
}

TEST_CASE("a source that cannot be read ends the pack with its place") {
    auto random = test::make_random(73);
    const auto content = test::make_content(random, Content::random, 10 * window_bytes);
    MemoryStore source(content.size(), std::byte{1}, "source");
    FaultStore faults(source);
    faults.fail_reads(3 * window_bytes, 1);
    MemoryStore target(pack_target_bytes(content.size()));
    CHECK_THROWS_WITH(pack(*make_source(faults), target, {}, {.threads = 3}),
                      Contains("source: byte 393216"));
}

TEST_CASE("verifying finds what the medium did not keep") {
    // A store that loses one bit of one write.
    struct Forgetful final : Store {
        explicit Forgetful(MemoryStore& store) : Store("forgetful"), below(store) {}
        std::uint64_t size_bytes() const override { return below.size_bytes(); }
        void read_at(std::uint64_t at, ByteSpan out) const override { below.read_at(at, out); }
        void write_at(std::uint64_t at, ByteView in) override {
            below.write_at(at, in);
            if (++writes == 5) below.bytes()[at + 10] ^= std::byte{4};
        }
        void zero(std::uint64_t at, std::uint64_t length) override { below.zero(at, length); }
        void sync() override {}
        MemoryStore& below;
        std::atomic<int> writes = 0;
    };
    auto random = test::make_random(74);
    const auto content = test::make_content(random, Content::random, 10 * window_bytes);
    MemoryStore target(pack_target_bytes(content.size()), std::byte{0});
    Forgetful forgetful(target);
    CHECK_NOTHROW(pack_bytes(content, forgetful));
    forgetful.writes = 0;
    std::fill(target.bytes().begin(), target.bytes().end(), std::byte{0});
    CHECK_THROWS_WITH(pack_bytes(content, forgetful, {.verify = PackOptions::Verify::yes}),
                      Contains("differs from what was written"));
    MemoryStore sound(pack_target_bytes(content.size()), std::byte{0});
    CHECK_NOTHROW(pack_bytes(content, sound, {.verify = PackOptions::Verify::yes}));
}

TEST_CASE("a source larger than the target is refused before anything is written") {
    const std::vector<std::byte> content(10 * window_bytes, std::byte{1});
    MemoryStore target(pack_target_bytes(content.size()) - block_bytes);
    FaultStore counting(target);
    CHECK_THROWS_WITH(pack_bytes(content, counting), Contains("source has 1310720"));
    CHECK(counting.writes() == 0);
}

TEST_CASE("an empty source is refused") {
    CHECK_THROWS_WITH(pack_target_bytes(0), Contains("at least one block"));
}

namespace {

// A medium that spoils what it is given; the cache above it still has it right.
class SpoilingStore final : public Store {
  public:
    explicit SpoilingStore(std::uint64_t size_bytes)
        : Store("spoiling"), below_(size_bytes, std::byte{0}) {}

    std::uint64_t size_bytes() const override { return below_.size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        below_.read_at(at_byte, output);
        if (from_medium_ && at_byte >= 2 * block_bytes) output[0] ^= std::byte{1};
    }
    void write_at(std::uint64_t at_byte, ByteView input) override {
        below_.write_at(at_byte, input);
    }
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override {
        below_.zero(at_byte, length_bytes);
    }
    void sync() override {}
    void drop_cache() const override { from_medium_ = true; }

  private:
    MemoryStore below_;
    mutable bool from_medium_ = false;
};

}  // namespace

TEST_CASE("verifying holds for targets of any size above the source's") {
    auto random = test::make_random(123);
    const std::uint64_t source_bytes = GENERATE(1ULL, 4095ULL, 4097ULL, 131071ULL, 131073ULL);
    const std::uint64_t extra_blocks = GENERATE(0ULL, 1ULL, 30ULL, 31ULL, 32ULL, 100ULL);
    const auto content = test::make_content(random, Content::random, source_bytes);
    MemoryStore target(pack_target_bytes(source_bytes + extra_blocks * block_bytes), std::byte{0});
    CHECK_NOTHROW(pack_bytes(content, target, {.verify = PackOptions::Verify::yes}));
    const auto unpacked = test::unpack_in_memory(target);
    CHECK(std::equal(content.begin(), content.end(), unpacked.begin()));
}

TEST_CASE("verifying reads from the medium, not from a cache") {
    auto random = test::make_random(121);
    const auto content = test::make_content(random, Content::random, 4 * window_bytes);
    SpoilingStore target(pack_target_bytes(content.size()));
    CHECK_NOTHROW(pack_bytes(content, target));
    CHECK_THROWS_WITH(pack_bytes(content, target, {.verify = PackOptions::Verify::yes}),
                      Contains("what was read back from here on differs"));
}

TEST_CASE("blocks that do not compress are extents of their own, so that reads of them are small") {
    auto random = test::make_random(122);
    const auto content = test::make_content(random, Content::random, 2 * window_bytes);
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        for (const Level level : {Level::normal, Level::best}) {
            const auto store =
                test::pack_in_memory(content, {.codec = {.algorithm = algorithm, .level = level}});
            for (const std::uint64_t window : {0U, 1U}) {
                const WindowMap map = test::get_map(*store, {window});
                for (const Extent extent : map.extents()) {
                    CHECK(extent.blocks == 1);
                    CHECK(extent.raw());
                }
            }
        }
    }
}
