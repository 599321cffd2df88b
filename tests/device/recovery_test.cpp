#include <algorithm>

#include "device/device_model.hpp"
#include "insitu/device/recovery.hpp"
#include "insitu/error.hpp"
#include "insitu/format/intent.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

// An image whose device was left without close(): its last commit is in the intent.
std::unique_ptr<MemoryStore> left_open(std::vector<std::byte>& expected) {
    auto store = format_in_memory(128, Algorithm::lzo);
    Random random = make_random(6);
    expected.assign(128 * block_bytes, std::byte{0});
    const auto content = make_content(random, Content::text, 40 * block_bytes);
    Device device(*store, {});
    device.write(0, content, Device::Durability::fua);
    device.write(8 * block_bytes, ByteView(content).first(2 * block_bytes),
                 Device::Durability::fua);
    std::copy(content.begin(), content.end(), expected.begin());
    std::copy_n(content.begin(), 2 * block_bytes, expected.begin() + 8 * block_bytes);
    return store;
}

}  // namespace

TEST_CASE("an intent decodes to what was encoded, and not where a byte is wrong") {
    const Intent intent{7, 1000, 12345, 0xfeedface12345678, {99, 16}};
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
    CHECK(device.counters().recovered_windows == 2);
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
    CHECK_THROWS_WITH(Device(*store, {}), Catch::Contains("changed by another program"));
    CHECK(has_intent(*store));
    DeviceOptions options;
    options.pending = PendingIntent::drop;
    Device device(*store, options);
    CHECK_FALSE(has_intent(*store));
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
    const auto pristine = format_in_memory(128, Algorithm::lzo);
    Random random = make_random(7);
    for (int i = 0; i < 2000; ++i) {
        MemoryStore store(pristine->size_bytes());
        store.write_at(0, pristine->bytes());
        Intent intent{1 + below(random, 3), 128, below(random, 400000), random(), {}};
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
    }
}
