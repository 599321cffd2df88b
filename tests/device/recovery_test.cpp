// SPDX-License-Identifier: GPL-2.0-or-later
#include <xxhash.h>

#include <algorithm>

#include "device/device_model.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "testing/recording_store.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

// An image whose device was left without close(): its last commit is in the intent.
std::unique_ptr<MemoryStore> left_open(std::vector<std::byte>& expected) {
    auto store = format_in_memory(128, Algorithm::lzo);
    Random random = make_random(6);
    expected.assign(128 * block_bytes, std::byte{0});
    const auto content = make_content(random, Content::text, 40 * block_bytes);
    Device device(*store, {});
    device.write(0, content, Device::Durability::fua);
    // Two raw blocks, of which the last intent writes one and keeps the other.
    auto raw = make_content(random, Content::random, 2 * block_bytes);
    device.write(8 * block_bytes, raw, Device::Durability::fua);
    raw.back() ^= std::byte{1};
    device.write(8 * block_bytes, raw, Device::Durability::fua);
    std::copy(content.begin(), content.end(), expected.begin());
    std::copy(raw.begin(), raw.end(), expected.begin() + 8 * block_bytes);
    return store;
}

// What a medium holds, on which these events were done.
void replay(Store& store, std::span<const RecordingStore::Event> events) {
    for (const RecordingStore::Event& event : events) {
        if (!event.is_sync()) store.write_at(event.at_byte, event.bytes);
    }
}

// Events up to the last sync, and without it.
std::size_t last_sync(std::span<const RecordingStore::Event> events) {
    std::size_t at = events.size();
    while (at > 0 && !events[at - 1].is_sync())
        --at;
    return at == 0 ? 0 : at - 1;
}

// Two intents are pending, nothing of the older one is in place, and what the newer one puts in
// place lies on the stream of the older one: power was cut in the sync of the newer one.
std::unique_ptr<MemoryStore> cut_between_intents(std::vector<std::byte>& expected) {
    constexpr std::uint64_t image_windows = 16;  // enough for two streams and their payloads
    auto medium = format_in_memory(image_windows * window_blocks, Algorithm::lzo);
    RecordingStore recorder(medium->bytes());
    const Geometry geometry(read_super_block(*medium).counts);
    Random random = make_random(12);
    expected.assign(image_windows * window_bytes, std::byte{0});
    Device device(recorder, {});
    const auto write = [&](std::uint64_t at_byte, ByteView content) {
        std::copy(content.begin(), content.end(),
                  expected.begin() + static_cast<std::ptrdiff_t>(at_byte));
        device.write(at_byte, content, Device::Durability::fua);
    };
    write(0, make_content(random, Content::text, 2 * window_bytes));
    // The older intent changes two windows, of which the newer one can replace only one.
    write(window_bytes - block_bytes, make_content(random, Content::text, 2 * block_bytes));
    const std::size_t older_synced = last_sync(recorder.events());
    const std::size_t older_applied = recorder.event_count();
    std::array<std::byte, sector_bytes> sector{};
    recorder.read_at(intent_slot_at_byte(0), sector);
    const auto older = decode_intent(sector);
    REQUIRE((older && older->generation == 2));
    const std::uint64_t offset = older->first.at_byte() - geometry.data_at_byte();
    write(offset / window_bytes * window_bytes,
          make_content(random, Content::random, window_bytes));
    const std::span events(recorder.events());
    const std::size_t newer_synced = last_sync(events);
    REQUIRE(last_sync(events.first(newer_synced)) == older_synced);
    replay(*medium, events.first(older_synced));
    replay(*medium, events.subspan(older_applied, newer_synced - older_applied));
    return medium;
}

}  // namespace

TEST_CASE("an intent decodes to what was encoded, and not where a byte is wrong") {
    const Intent intent{7, 1000, 12345, 0xfeedface12345678, 0x0123456789abcdef, {99, 16}};
    std::array<std::byte, sector_bytes> sector{};
    encode_intent(intent, sector);
    CHECK(decode_intent(sector) == intent);
    for (std::size_t i = 0; i < sector.size(); ++i) {
        auto wrong = sector;
        wrong[i] ^= std::byte{1};
        CHECK_FALSE(decode_intent(wrong));
    }
}

TEST_CASE("a device that was left open is recovered by the next one") {
    std::vector<std::byte> expected;
    const auto store = left_open(expected);
    CHECK(has_intent(*store));
    Device device(*store, {});
    CHECK(device.counters().recovered_windows == 1);
    CHECK_FALSE(has_intent(*store));
    std::vector<std::byte> got(expected.size());
    device.read(0, got);
    CHECK(got == expected);
    device.close();
    CHECK(find_fault(*store) == "");
}

TEST_CASE("reading only applies an intent in memory") {
    std::vector<std::byte> expected;
    const auto store = left_open(expected);
    const std::vector<std::byte> before(store->bytes().begin(), store->bytes().end());
    DeviceOptions options;
    options.access = Access::read;
    Device device(*store, options);
    std::vector<std::byte> got(expected.size());
    device.read(0, got);
    CHECK(got == expected);
    CHECK_THROWS_AS(device.write(0, got), Error);
    device.close();
    CHECK(std::equal(before.begin(), before.end(), store->bytes().begin()));
}

TEST_CASE("an image that another program changed under an intent is refused until it is dropped") {
    std::vector<std::byte> expected;
    const auto store = left_open(expected);
    WindowMap foreign;
    foreign.set_extent({0, 4, 3});
    put_map(*store, {0}, foreign);
    CHECK_THROWS_WITH(Device(*store, {}), Contains("changed by another program"));
    CHECK(has_intent(*store));
    DeviceOptions options;
    options.pending = PendingIntent::drop;
    Device device(*store, options);
    CHECK_FALSE(has_intent(*store));
}

TEST_CASE("content that another program changed under an intent is not overwritten") {
    std::vector<std::byte> expected;
    const auto store = left_open(expected);
    const Geometry geometry(read_super_block(*store).counts);
    // One extent, with the same meta before and after: sectors that the intent writes, and others.
    const WindowMap map = get_map(*store, {0});
    const Extent extent = map.extent_at(8);
    REQUIRE((extent.blocks == 2 && extent.raw()));
    for (unsigned sector = 0; sector < extent.payload_sectors; ++sector) {
        std::byte& byte = store->bytes()[geometry.block_at_byte({8}) + sector * sector_bytes + 7];
        byte ^= std::byte{1};
        CHECK_THROWS_WITH(Device(*store, {}), Contains("content was changed"));
        byte ^= std::byte{1};
    }
    Device(*store, {}).close();
    CHECK(content_of(*store) == expected);
}

TEST_CASE("an intent is nothing to a bitmap that was made anew") {
    std::vector<std::byte> expected;
    const auto store = left_open(expected);
    // As the driver formats: block 0 keeps all but the super block, the data area is left alone.
    const Geometry geometry(read_super_block(*store).counts);
    store->zero(geometry.meta_at_byte(), geometry.meta_bytes());
    CHECK_FALSE(has_intent(*store));
    CHECK(apply_intents(*store).windows == 0);
    std::array<std::byte, intent_slots * sector_bytes> slots{};
    {
        Device device(*store, {});
        CHECK(device.counters().recovered_windows == 0);
        store->read_at(intent_slot_at_byte(0), slots);
        CHECK(slots == decltype(slots){});
        device.close();
    }
    CHECK(content_of(*store) == std::vector<std::byte>(expected.size()));
}

TEST_CASE("a bitmap's stamp is gone after a clean close") {
    // The fewest spare bytes that there can be, and more than enough.
    for (const std::uint64_t blocks : {std::uint64_t{6552}, std::uint64_t{128}}) {
        const auto store = format_in_memory(blocks, Algorithm::lzo);
        const Geometry geometry(read_super_block(*store).counts);
        const StampPlace place = stamp_place(geometry);
        CHECK(place.bytes == (blocks == 6552 ? 1 : 8));
        const auto stamped = [&] {
            const auto bytes = store->bytes().subspan(place.at_byte, place.bytes);
            return std::any_of(bytes.begin(), bytes.end(), [](auto b) { return b != std::byte{}; });
        };
        Random random = make_random(11);
        const auto block = make_content(random, Content::text, block_bytes);
        Device device(*store, {});
        CHECK_FALSE(stamped());
        device.write((blocks - 1) * block_bytes, block, Device::Durability::fua);
        CHECK(stamped());
        CHECK(has_intent(*store));
        device.close();
        CHECK_FALSE(stamped());
        CHECK(find_fault(*store) == "");
    }
}

TEST_CASE("recovery of two intents can be cut anywhere") {
    std::vector<std::byte> expected;
    const auto cut = cut_between_intents(expected);
    REQUIRE((content_of(*cut) == expected));
    RecordingStore recovered(cut->bytes());
    CHECK(apply_intents(recovered).windows >= 3);
    const std::span events(recovered.events());
    // Of what was not synced, the medium has only the last write.
    for (std::size_t end = 1; end <= events.size(); ++end) {
        MemoryStore medium(cut->size_bytes());
        medium.write_at(0, cut->bytes());
        const auto done = events.first(end);
        replay(medium, done.first(last_sync(done)));
        replay(medium, done.last(1));
        CHECK((content_of(medium) == expected));  // not printed: 2 MiB
    }
}

TEST_CASE("a stream that is not whole is not applied") {
    std::vector<std::byte> expected;
    const auto store = left_open(expected);
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        std::array<std::byte, sector_bytes> sector{};
        store->read_at(intent_slot_at_byte(slot), sector);
        const auto intent = decode_intent(sector);
        if (!intent) continue;
        store->bytes()[intent->first.at_byte() + 40] ^= std::byte{1};
    }
    CHECK(apply_intents(*store).windows == 0);
    // The device had applied it, so nothing is lost here.
    CHECK(content_of(*store) == expected);
}

TEST_CASE("hostile intents are read without harm") {
    const auto formatted = format_in_memory(128, Algorithm::lzo);
    MemoryStore& store = *formatted;
    Random random = make_random(7);
    for (int i = 0; i < 2000; ++i) {
        Intent intent{1 + below(random, 3), 128, below(random, 400000), random(), 0, {}};
        const std::uint64_t sectors = store.size_bytes() / sector_bytes;
        intent.first = {below(random, 4) == 0 ? random() : below(random, sectors),
                        static_cast<std::uint32_t>(below(random, 400))};
        if (below(random, 3) == 0) {
            // A chain that leads to itself.
            std::array<std::byte, run_link_bytes> link{};
            encode_run_link(intent.first, link);
            if (intent.first.first_sector < sectors) {
                store.write_at(intent.first.at_byte(), link);
            }
        }
        std::array<std::byte, sector_bytes> sector{};
        encode_intent(intent, sector);
        store.write_at(intent_slot_at_byte(intent_slot_of(intent.generation)), sector);
        CHECK(apply_intents(store).windows == 0);
        store.zero(intent_slot_at_byte(0), intent_slots * sector_bytes);
    }
}

TEST_CASE("a stream that leads to itself has an end") {
    const auto store = format_in_memory(128, Algorithm::lzo);
    const Geometry geometry(read_super_block(*store).counts);
    // A run of a sector of zeros but for its link: windows 0 without pieces, again and again.
    Intent intent{1, geometry.data_blocks(), std::uint64_t{1} << 60, 0, 0, {}};
    intent.first = {geometry.data_at_byte() / sector_bytes, 1};
    store->zero(intent.first.at_byte(), sector_bytes);
    std::array<std::byte, run_link_bytes> link{};
    encode_run_link(intent.first, link);
    store->write_at(intent.first.at_byte(), link);
    std::array<std::byte, sector_bytes> sector{};
    encode_intent(intent, sector);
    store->write_at(intent_slot_at_byte(1), sector);
    CHECK(has_intent(*store));
    CHECK(apply_intents(*store).windows == 0);
}

namespace {

// An image with a forged intent whose hashes are all right: one window that becomes `after`.
std::unique_ptr<MemoryStore> with_forged_intent(const WindowMeta& after, std::uint32_t pieces) {
    auto store = format_in_memory(128, Algorithm::lzo);
    const Geometry geometry(read_super_block(*store).counts);
    RedoWindow window{{1}, {}, after, pieces};
    std::vector<std::byte> stream(redo_window_bytes);
    encode_redo_window(window, ByteSpan(stream).first<redo_window_bytes>());
    Intent intent{1, geometry.data_blocks(), stream.size(), 0, 0x1122334455667788, {}};
    intent.redo_hash = XXH3_64bits(stream.data(), stream.size());
    intent.first = {geometry.block_at_byte({100}) / sector_bytes, 1};
    store->zero(intent.first.at_byte(), sector_bytes);
    store->write_at(intent.first.at_byte() + run_link_bytes, stream);
    std::array<std::byte, sizeof intent.stamp> stamp{};
    encode_stamp(intent.stamp, stamp);
    const StampPlace place = stamp_place(geometry);
    store->write_at(place.at_byte, ByteView(stamp).first(place.bytes));
    std::array<std::byte, sector_bytes> sector{};
    encode_intent(intent, sector);
    store->write_at(intent_slot_at_byte(intent_slot_of(1)), sector);
    return store;
}

}  // namespace

TEST_CASE("new meta of an intent that makes no sense is damage with a place, and can be dropped") {
    Random random = make_random(11);
    for (int i = 0; i < 300; ++i) {
        WindowMeta after{};
        for (std::byte& byte : after)
            byte = static_cast<std::byte>(random());
        const WindowMap map = WindowMap::decode(after, window_blocks);
        const auto store = with_forged_intent(after, 0);
        const std::vector<std::byte> before(store->bytes().begin(), store->bytes().end());
        CHECK(has_intent(*store));
        if (map.sound() && map.leading_tails() == 0) continue;
        try {
            apply_intents(*store);
            FAIL("meta without sense was applied");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::damaged);
            CHECK(error.place().window == WindowIndex{1});
            CHECK(error.hint().find("pending=drop") != std::string::npos);
        }
        CHECK(std::equal(before.begin(), before.end(), store->bytes().begin()));
        clear_intents(*store);
        CHECK_FALSE(has_intent(*store));
    }
}

TEST_CASE(
    "an intent that would change more than is kept in memory is refused before it is applied") {
    WindowMeta after{};
    after[0] = std::byte{1};
    const auto store = with_forged_intent(after, 0);
    const std::vector<std::byte> before(store->bytes().begin(), store->bytes().end());
    CHECK_THROWS_AS(apply_intents(*store, StampCheck::required, block_bytes - 1), Error);
    CHECK(std::equal(before.begin(), before.end(), store->bytes().begin()));
    CHECK(apply_intents(*store, StampCheck::required, block_bytes).windows == 1);
}
