// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/window_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/format.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/window/extent_encoder.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using Catch::Matchers::Contains;
using test::Content;

namespace {

struct Damages final : DamageSink {
    void damaged(const ExtentDamage& damage) override { found.push_back(damage); }
    std::vector<ExtentDamage> found;
};

// 16 windows of text, packed as one extent each.
struct Fixture {
    Fixture() : content(make()), store(test::pack_in_memory(content, {.extents = {32}})) {}
    static std::vector<std::byte> make() {
        auto random = test::make_random(40);
        return test::make_content(random, Content::text, 16 * window_bytes);
    }
    ByteView original(std::uint64_t window) const {
        return ByteView(content).subspan(window * window_bytes, window_bytes);
    }

    std::vector<std::byte> content;
    std::unique_ptr<MemoryStore> store;
};

bool equal(ByteView a, ByteView b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

TEST_CASE("a damaged extent is told with its place, and only it is lost") {
    Fixture f;
    const Image image = Image::open(*f.store);
    const std::uint64_t at = image.geometry().block_at_byte({3 * 32});
    f.store->bytes()[at + 200] ^= std::byte{0x10};
    f.store->bytes()[at + 201] ^= std::byte{0xff};
    WindowReader reader(image);
    std::vector<std::byte> output(window_bytes);
    Damages damages;
    for (std::uint64_t window = 0; window < 16; ++window) {
        CHECK(reader.read({window}, output, &damages) == 0xffffffff);
        if (window != 3) CHECK(equal(output, f.original(window)));
    }
    // Text with two changed bytes may still decode, to something else: then the format cannot tell.
    if (damages.found.empty()) return;
    REQUIRE(damages.found.size() == 1);
    CHECK(damages.found[0].extent.first.value == 96);
    CHECK(damages.found[0].at_byte == at);
}

TEST_CASE("each kind of damage has its words") {
    Fixture f;
    const Image image = Image::open(*f.store);
    WindowReader reader(image);
    std::vector<std::byte> output(window_bytes);
    const WindowMap sound = test::get_map(*f.store, {1});
    const unsigned sectors = sound.extent_at(0).payload_sectors;
    const std::uint64_t at = image.geometry().block_at_byte({32});
    const auto read = [&](DamageSink* sink = nullptr) {
        return WindowReader(image).read({1}, output, sink);
    };

    WindowMap map;
    map.set_extent({0, 32, sectors + 1});
    f.store->zero(at + sectors * 512, 512);
    test::put_map(*f.store, {1}, map);
    CHECK_THROWS_WITH(read(), Contains("window 1, block 32") && Contains("payload length 0"));

    // One byte more than the payload has room for.
    const std::uint32_t too_long = (sectors + 1) * 512 - 3;
    const std::array<std::byte, 4> word{std::byte(too_long), std::byte(too_long >> 8),
                                        std::byte(too_long >> 16), std::byte(too_long >> 24)};
    f.store->write_at(at + (sectors + 1) * 512 - word.size(), word);
    CHECK_THROWS_WITH(
        read(), Contains(fmt::format("payload length {} does not fit its sectors, expected 1 to {}",
                                     too_long, too_long - 1)));

    map = WindowMap();
    map.set_extent({0, 31, sectors});
    test::put_map(*f.store, {1}, map);
    CHECK_THROWS_WITH(read(), Contains("more than the 126976 bytes expected"));

    std::vector<std::byte> payload(sectors * 512);
    f.store->read_at(at, payload);
    ExtentEncoder encoder({.algorithm = Algorithm::lzo}, Seals::none);
    const ByteView small = encoder.encode({32}, f.original(1).first(16 * block_bytes));
    f.store->write_at(at, small);
    map = WindowMap();
    map.set_extent({0, 32, static_cast<unsigned>(small.size() / 512)});
    test::put_map(*f.store, {1}, map);
    CHECK_THROWS_WITH(read(), Contains("stream gives 65536 bytes, expected 131072"));

    Damages damages;
    CHECK(read(&damages) == 0xffffffff);
    REQUIRE(damages.found.size() == 1);
    CHECK(std::all_of(output.begin(), output.end(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_CASE("meta that makes no sense is told with its place, what it says and what it should") {
    Fixture f;
    const Image image = Image::open(*f.store);
    std::vector<std::byte> output(window_bytes);
    // The share of block 37, bits 25..28 of window 1; bit 24 makes block 36 a tail.
    const std::uint64_t at = image.geometry().window_meta_at_byte({1}) + 3;
    f.store->bytes()[at] = static_cast<std::byte>(0x10 << 1 | 13 << 1 | 1);
    // All of the payload is read by the shares, so that it does not decode.
    CHECK_THROWS_WITH(
        WindowReader(image).read({1}, output, nullptr),
        Contains(fmt::format("window 1, block 32 (byte {}): share of block 37 is 13 sectors, "
                             "expected 0 to 8",
                             image.geometry().window_meta_at_byte({1}))));
    Damages damages;
    WindowReader(image).read({1}, output, &damages);
    REQUIRE(damages.found.size() == 1);
    CHECK(damages.found[0].at_byte == image.geometry().window_meta_at_byte({1}));
}

TEST_CASE("an unreadable sector costs one extent") {
    Fixture f;
    FaultStore faults(*f.store);
    const Image image = Image::open(faults);
    faults.fail_reads(image.geometry().block_at_byte({5 * 32}) + 512, 512);
    WindowReader reader(image);
    std::vector<std::byte> output(window_bytes);
    CHECK_THROWS_AS(reader.read({5}, output, nullptr), Error);
    Damages damages;
    for (std::uint64_t window = 0; window < 16; ++window) {
        reader.read({window}, output, &damages);
        if (window != 5) CHECK(equal(output, f.original(window)));
    }
    REQUIRE(damages.found.size() == 1);
    CHECK(damages.found[0].os_error == EIO);
    CHECK(damages.found[0].extent.first.value == 160);
}

TEST_CASE("an unreadable sector among many extents costs only its own") {
    auto random = test::make_random(41);
    const auto content = test::make_content(random, Content::mixed, 4 * window_bytes);
    const auto store = test::pack_in_memory(content, {.extents = {1}});
    FaultStore faults(*store);
    const Image image = Image::open(faults);
    faults.fail_reads(image.geometry().block_at_byte({40}), 1);
    WindowReader reader(image);
    std::vector<std::byte> output(window_bytes);
    Damages damages;
    reader.read({1}, output, &damages);
    REQUIRE(damages.found.size() <= 1);
    for (std::size_t block = 32; block < 64; ++block) {
        if (block == 40) continue;
        CHECK(equal(ByteView(output).subspan((block - 32) * block_bytes, block_bytes),
                    ByteView(content).subspan(block * block_bytes, block_bytes)));
    }
}

TEST_CASE("extents over borders and longer than a window are read") {
    auto random = test::make_random(42);
    for (const unsigned blocks : {33U, 64U, 100U, 300U}) {
        const auto content = test::make_content(random, Content::text, blocks * block_bytes);
        MemoryStore store(500 * block_bytes);
        format_image(store, Algorithm::lzo, TargetContent::unknown);
        const Geometry geometry = Image::open(store).geometry();
        std::vector<std::byte> payload(encode_bound_bytes(content.size()));
        const std::size_t length =
            make_encoder({Algorithm::lzo})->encode(content, payload, payload.size());
        const auto sectors = static_cast<unsigned>(payload_sectors_for(length));
        payload.resize(sectors * 512);
        frame_payload(payload, static_cast<std::uint32_t>(length));
        constexpr std::uint64_t first = 50;
        store.write_at(geometry.block_at_byte({first}), payload);
        unsigned left = sectors;
        for (std::uint64_t block = first; block < first + blocks;) {
            WindowMap map = test::get_map(store, window_of({block}));
            // Written entry by entry, because no map can be made to start with a tail.
            std::array<std::byte, 20> meta{};
            map.encode(meta);
            for (; block < first + blocks; ++block) {
                const auto at = static_cast<unsigned>(block % 32);
                const unsigned entry = std::min(left, 8U) | (block > first ? 16U : 0U);
                left -= std::min(left, 8U);
                for (unsigned i = 0; i < 5; ++i) {
                    if (((entry >> i) & 1) == 0) continue;
                    meta[(5 * at + i) / 8] |= static_cast<std::byte>(1U << ((5 * at + i) % 8));
                }
                if (at == 31) {
                    ++block;
                    break;
                }
            }
            store.write_at(geometry.window_meta_at_byte(window_of({block - 1})), meta);
        }
        const auto unpacked = test::unpack_in_memory(store, 2);
        CHECK(equal(ByteView(unpacked).subspan(first * block_bytes, content.size()), content));
        CHECK(std::all_of(unpacked.begin(), unpacked.begin() + first * block_bytes,
                          [](std::byte b) { return b == std::byte{0}; }));
    }
}
