// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "device/device_model.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/stat.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

std::vector<std::byte> noise(std::uint64_t blocks) {
    Random random = make_random(10);
    return make_content(random, Content::random, blocks * block_bytes);
}

std::vector<std::pair<unsigned, unsigned>> heads(const Store& store, WindowIndex window) {
    std::vector<std::pair<unsigned, unsigned>> found;
    const WindowMap map = get_map(store, window);
    for (const Extent extent : map.extents()) {
        if (!extent.unmapped()) found.emplace_back(extent.first, extent.blocks);
    }
    return found;
}

using Heads = std::vector<std::pair<unsigned, unsigned>>;

void write_and_close(Store& store, std::uint64_t block, ByteView content) {
    Device device(store, {});
    device.write(block * block_bytes, content);
    device.close();
}

}  // namespace

TEST_CASE("a request is one extent a window") {
    const auto store = format_in_memory(96, Algorithm::lzo);
    write_and_close(*store, 20, text(30));
    CHECK(heads(*store, {0}) == Heads{{20, 12}});
    CHECK(heads(*store, {1}) == Heads{{0, 18}});
}

TEST_CASE("what is written into a compressed extent becomes an extent of its own") {
    const auto store = text_image(32);
    write_and_close(*store, 5, noise(4));
    CHECK(heads(*store, {0}) == Heads{{0, 5}, {5, 4}, {9, 23}});
}

TEST_CASE("what the device writes is sealed, and what differs from its seal is not read") {
    const auto store = text_image(4);
    write_and_close(*store, 40, text(3));
    const Image image = Image::open(*store);
    const SealCoverage coverage = seal_coverage(image, {.threads = 1});
    const std::uint64_t at = image.geometry().block_at_byte({40});
    const auto extent = get_map(*store, {1}).extent_at(8);
    REQUIRE(extent.blocks == 3);
    std::vector<std::byte> payload(extent.payload_sectors * sector_bytes);
    store->read_at(at, payload);
    REQUIRE(check_seal(payload, {40}) == SealState::right);
    // The hash of the seal: the stream decodes as before.
    payload[payload.size() - 5] ^= std::byte{1};
    store->write_at(at, payload);
    std::vector<std::byte> block(block_bytes);
    {
        Device device(*store, {});
        CHECK_THROWS_WITH(device.read(41 * block_bytes, block), Contains("differs from its seal"));
        // Nor is it sealed anew as the rest of an extent that is written in part.
        CHECK_THROWS_WITH(device.write(41 * block_bytes, noise(1)),
                          Contains("differs from its seal"));
    }
    DeviceOptions trusting;
    trusting.seal_check = SealCheck::ignore;
    trusting.seals = Seals::none;
    Device device(*store, trusting);
    device.read(41 * block_bytes, block);
    const auto written = text(3);
    CHECK(std::equal(block.begin(), block.end(), written.begin() + block_bytes));
    device.write(41 * block_bytes, text(1));
    device.close();
    CHECK(seal_coverage(image, {.threads = 1}).sealed_extents < coverage.sealed_extents);
}

TEST_CASE("what changes nothing costs nothing") {
    const auto store = text_image(32);
    const std::vector<std::byte> before(store->bytes().begin(), store->bytes().end());
    Device device(*store, {});
    std::vector<std::byte> content(31 * block_bytes);
    device.read(0, content);
    device.write(0, content);
    device.flush();
    device.write(3 * block_bytes, ByteView(content).subspan(3 * block_bytes, block_bytes));
    device.unmap(80 * block_bytes, 200 * block_bytes);
    device.write(90 * block_bytes, std::vector<std::byte>(block_bytes));
    device.flush();
    CHECK(device.counters().commits == 0);
    device.close();
    CHECK(std::equal(before.begin(), before.end(), store->bytes().begin()));
}

TEST_CASE("several writes to a window are encoded once, at the commit") {
    const auto store = text_image(32);
    Device device(*store, {});
    for (unsigned i = 0; i < 10; ++i) {
        device.write(7 * block_bytes, noise(1));
        device.write(9 * block_bytes, text(1));
    }
    CHECK(device.counters().rewritten_extents == 0);
    device.flush();
    CHECK(device.counters().rewritten_extents == 1);
    device.close();
    CHECK(find_fault(*store) == "");
}

TEST_CASE("extents that the request covers in part are trimmed and moved") {
    const auto store = text_image(8);
    write_and_close(*store, 4, text(8));
    CHECK(heads(*store, {0}) == Heads{{0, 4}, {4, 8}, {12, 4}, {16, 8}, {24, 8}});
}

TEST_CASE("a raw extent is cut by meta alone") {
    const auto store = format_in_memory(64, Algorithm::lzo);
    write_and_close(*store, 0, noise(32));
    Device device(*store, {});
    device.unmap(8 * block_bytes, 4 * block_bytes);
    device.flush();
    CHECK(device.counters().compressed_bytes == 0);
    device.close();
    CHECK(heads(*store, {0}) == Heads{{0, 8}, {12, 20}});
    CHECK(device.counters().rewritten_extents == 0);
}

TEST_CASE("the last window may be a part of one") {
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        const auto store = format_in_memory(70, algorithm);
        Device device(*store, {});
        const std::uint64_t blocks = device.geometry().data_blocks();
        REQUIRE(blocks % window_blocks != 0);
        const std::uint64_t last = blocks / window_blocks * window_blocks;
        // Raw and full to the last sector of the device, then packed, then cut.
        const auto raw = noise(blocks - last);
        device.write(last * block_bytes, raw, Device::Durability::fua);
        const auto content = text(blocks - last + 4);
        device.write((last - 4) * block_bytes, content, Device::Durability::fua);
        device.unmap((blocks - 1) * block_bytes, block_bytes);
        CHECK_THROWS_AS(device.unmap((blocks - 1) * block_bytes, 2 * block_bytes), Error);
        std::vector<std::byte> got(content.size());
        device.read((last - 4) * block_bytes, got);
        const std::size_t kept = content.size() - block_bytes;
        CHECK(std::equal(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(kept),
                         got.begin()));
        CHECK(std::all_of(got.begin() + static_cast<std::ptrdiff_t>(kept), got.end(),
                          [](std::byte byte) { return byte == std::byte{0}; }));
        device.close();
        CHECK(find_fault(*store) == "");
    }
}

TEST_CASE("zeros are unmapped, whether written or not") {
    const auto store = text_image(32);
    {
        Device device(*store, {});
        device.write(0, std::vector<std::byte>(4 * block_bytes));
        device.unmap(30 * block_bytes, 34 * block_bytes);
        const auto runs = device.map(0, 64 * block_bytes);
        REQUIRE(runs.size() == 3);
        CHECK((!runs[0].mapped && runs[0].blocks == 4));
        CHECK((runs[1].mapped && runs[1].blocks == 26));
        CHECK((!runs[2].mapped && runs[2].blocks == 34));
        device.close();
    }
    CHECK(heads(*store, {0}) == Heads{{4, 26}});
    CHECK(heads(*store, {1}) == Heads{});
}

TEST_CASE("requests outside the device are refused") {
    const auto store = format_in_memory(64, Algorithm::lzo);
    Device device(*store, {});
    std::vector<std::byte> bytes(2 * block_bytes);
    CHECK_THROWS_AS(device.read(device.size_bytes() - block_bytes, bytes), Error);
    CHECK_THROWS_AS(device.read(device.size_bytes() + 1, {}), Error);
    CHECK_THROWS_AS(device.write(device.size_bytes() - 1, ByteView(bytes).first(2)), Error);
    CHECK_THROWS_AS(device.unmap(block_bytes, device.size_bytes()), Error);
    CHECK_THROWS_AS(device.zero(~std::uint64_t{0}, 2), Error);
}

TEST_CASE("requests of any bytes do what they do to an array") {
    const auto store = text_image(32);
    Device device(*store, {});
    std::vector<std::byte> expected(80 * block_bytes);
    device.read(0, expected);
    Random random = make_random(77);
    for (int i = 0; i < 300; ++i) {
        const std::uint64_t at = below(random, expected.size() - 1);
        const std::uint64_t longest =
            below(random, 4) == 0 ? 3 * window_bytes / 2 : 2 * block_bytes;
        const std::uint64_t length =
            std::min<std::uint64_t>(1 + below(random, longest), expected.size() - at);
        const auto wanted = ByteSpan(expected).subspan(at, length);
        switch (below(random, 4)) {
            case 0: {
                std::vector<std::byte> got(length);
                device.read(at, got);
                REQUIRE(std::equal(got.begin(), got.end(), wanted.begin()));
                break;
            }
            case 1:
                device.zero(at, length);
                std::fill(wanted.begin(), wanted.end(), std::byte{0});
                break;
            case 2: {
                device.unmap(at, length);
                const std::uint64_t first = ceil_div(at, block_bytes) * block_bytes;
                const std::uint64_t end = (at + length) / block_bytes * block_bytes;
                for (std::uint64_t byte = first; byte < end; ++byte)
                    expected[byte] = std::byte{0};
                break;
            }
            default: {
                const auto content = make_content(random, Content::random, length);
                device.write(at, content);
                std::copy(content.begin(), content.end(), wanted.begin());
            }
        }
    }
    device.close();
    const auto content = content_of(*store);
    CHECK(std::equal(expected.begin(), expected.end(), content.begin()));
    CHECK(find_fault(*store) == "");
}

TEST_CASE("a write into a window of unsound meta is refused unless it replaces all of it") {
    const auto store = text_image(32);
    Device(*store, {}).close();
    const Geometry geometry(read_super_block(*store).counts);
    store->bytes()[geometry.window_meta_at_byte({0})] = std::byte{0x0f};
    Device device(*store, {});
    std::vector<std::byte> block(block_bytes);
    CHECK_THROWS_AS(device.read(0, block), Error);
    CHECK_THROWS_AS(device.write(block_bytes, text(1)), Error);
    device.write(0, text(32));
    device.read(31 * block_bytes, block);
    device.close();
    CHECK(find_fault(*store) == "");
}

TEST_CASE("an extent over the border of a window is read and never written into") {
    // One payload for 40 blocks, which no packer makes.
    const auto store = format_in_memory(96, Algorithm::lzo);
    const auto content = text(40);
    const auto encoder = make_encoder({});
    std::vector<std::byte> stream(encode_bound_bytes(content.size()));
    stream.resize(encoder->encode(content, stream, stream.size()));
    const std::uint64_t sectors = (stream.size() + 4 + 511) / 512;
    const auto length = static_cast<std::uint32_t>(stream.size());
    stream.resize(sectors * sector_bytes);
    for (unsigned i = 0; i < 4; ++i)
        stream[stream.size() - 4 + i] = static_cast<std::byte>(length >> (8 * i));
    const Geometry geometry(read_super_block(*store).counts);
    store->write_at(geometry.block_at_byte({0}), stream);
    WindowMap first;
    first.set_extent({0, 32, static_cast<unsigned>(sectors)});
    put_map(*store, {0}, first);
    // Eight tails: the extent goes on.
    std::array<std::byte, window_meta_bytes> meta{};
    constexpr unsigned tail_bit = 4;
    for (unsigned block = 0; block < 8; ++block) {
        const unsigned bit = 5 * block + tail_bit;
        meta[bit / 8] |= static_cast<std::byte>(1U << (bit % 8));
    }
    store->write_at(geometry.window_meta_at_byte({1}), meta);

    Device device(*store, {});
    std::vector<std::byte> got(40 * block_bytes);
    device.read(0, got);
    CHECK(got == content);
    CHECK_THROWS_WITH(device.write(0, text(32)), Contains("crosses the border"));
    CHECK_THROWS_WITH(device.write(34 * block_bytes, text(1)), Contains("crosses the border"));
    device.write(64 * block_bytes, text(1));
    device.close();
}

TEST_CASE("a window that was cut up is put together when idle, where that is wanted") {
    for (const Compaction compaction : {Compaction::off, Compaction::idle}) {
        const auto store = format_in_memory(1024, Algorithm::lzo);
        DeviceOptions options;
        options.compaction = compaction;
        Device device(*store, options);
        // Blocks that nothing but their neighbours makes smaller.
        std::vector<std::byte> content;
        const auto block = noise(1);
        for (unsigned i = 0; i < window_blocks; ++i)
            content.insert(content.end(), block.begin(), block.end());
        for (std::size_t at = 0; at < content.size(); at += block_bytes)
            device.write(at, ByteView(content).subspan(at, block_bytes), Device::Durability::fua);
        // Nothing can be saved here.
        device.write(32 * block_bytes, noise(8));
        device.do_idle_work();
        CHECK_FALSE(has_intent(*store));
        CHECK(heads(*store, {0}).size() == (compaction == Compaction::idle ? 1 : 32));
        CHECK(heads(*store, {1}) == Heads{{0, 8}});
        CHECK(device.counters().compacted_windows == (compaction == Compaction::idle ? 1 : 0));
        std::vector<std::byte> got(content.size());
        device.read(0, got);
        CHECK(got == content);
        device.close();
        CHECK(find_fault(*store) == "");
    }
}

TEST_CASE("what is left of a raw extent is compressed when idle, where that saves a block") {
    const auto store = format_in_memory(1024, Algorithm::lzo);
    const Geometry geometry(read_super_block(*store).counts);
    store->write_at(geometry.block_at_byte({0}), text(8));
    WindowMap raw;
    raw.set_extent({0, 8, 8 * sectors_per_block});
    put_map(*store, {0}, raw);
    DeviceOptions options;
    options.compaction = Compaction::idle;
    Device device(*store, options);
    device.unmap(0, 2 * block_bytes);
    device.flush();
    CHECK(get_map(*store, {0}).extent_at(2) == Extent{2, 6, 6 * sectors_per_block});
    device.do_idle_work();
    CHECK(get_map(*store, {0}).extent_at(2).payload_sectors < 5 * sectors_per_block);
    device.close();
    CHECK(find_fault(*store) == "");
    const auto content = content_of(*store);
    const auto expected = text(8);
    CHECK(std::equal(expected.begin() + 2 * std::ptrdiff_t{block_bytes}, expected.end(),
                     content.begin() + 2 * std::ptrdiff_t{block_bytes}));
}

TEST_CASE("a part of an extent is decoded once, and again after a write") {
    const auto store = text_image(32);
    FaultStore counted(*store);
    Device device(counted, {});
    std::vector<std::byte> block(block_bytes);
    device.read(3 * block_bytes, block);
    // From here on it is in memory.
    counted.fail_reads(device.geometry().block_at_byte({0}), window_bytes);
    device.read(4 * block_bytes, block);
    const auto changed = noise(1);
    device.write(4 * block_bytes, changed);
    device.read(4 * block_bytes, block);
    CHECK(block == changed);
    std::vector<std::byte> whole(window_bytes);
    CHECK_THROWS_AS(Device(counted, {}).read(0, whole), Error);
}

TEST_CASE("the status tells what waits, what is durable, and what the cache is good for") {
    const auto store = text_image(32);
    Device device(*store, {});
    CHECK(device.status().durable);
    CHECK(device.status().waiting_bytes == 0);
    CHECK(device.status().journal_room_bytes > 0);
    device.write(block_bytes, text(1));
    const DeviceStatus written = device.status();
    CHECK_FALSE(written.durable);
    CHECK(written.waiting_bytes >= block_bytes);
    CHECK(written.cache_bytes == DeviceOptions{}.cache_bytes);
    CHECK_FALSE(written.intent_pending);
    device.flush();
    CHECK(device.status().durable);
    CHECK(device.status().waiting_bytes == 0);
    CHECK(device.status().intent_pending);
    device.do_idle_work();
    CHECK_FALSE(device.status().intent_pending);

    // The second window is one extent that nobody has looked at.
    std::vector<std::byte> block(block_bytes);
    const DeviceStatus before = device.status();
    device.read(33 * block_bytes, block);
    CHECK(device.status().cache_hits == before.cache_hits);
    CHECK(device.status().cache_misses > before.cache_misses);
    device.read(34 * block_bytes, block);
    CHECK(device.status().cache_hits > before.cache_hits);
    device.close();
}
