// SPDX-License-Identifier: GPL-2.0-or-later
// Who opens an image and who recovers it judge what an interrupted device left by the same rules.
#include <cstring>
#include <functional>
#include <vector>

#include "device/device_model.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

constexpr std::uint64_t image_blocks = 128;

// An image whose device was left without close().
std::unique_ptr<MemoryStore> left_open() {
    auto store = format_in_memory(image_blocks, Algorithm::lzo);
    Random random = make_random(6);
    Device device(*store, {});
    device.write(0, make_content(random, Content::text, 40 * block_bytes), Device::Durability::fua);
    return store;
}

Intent intent_of(const Store& store) {
    std::array<std::byte, sector_bytes> sector{};
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        store.read_at(intent_slot_at_byte(slot), sector);
        if (const auto intent = decode_intent(sector)) return *intent;
    }
    FAIL("there is no intent");
    return {};
}

bool is_refused(const Store& store) {
    try {
        static_cast<void>(Image::open(store, SizeCheck::trust_super));
        return false;
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::refused);
        return true;
    }
}

void tear_stream(MemoryStore& store) {
    store.bytes()[intent_of(store).first.at_byte() + run_link_bytes] ^= std::byte{1};
}

void overwrite_stamp(MemoryStore& store) {
    store.bytes()[stamp_place(Geometry(read_super_block(store).counts)).at_byte] ^= std::byte{1};
}

void empty_bitmap(MemoryStore& store) {
    const Geometry geometry(read_super_block(store).counts);
    store.zero(geometry.meta_at_byte(), geometry.meta_bytes());
}

void change_size_of_intents(MemoryStore& store) {
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        std::array<std::byte, sector_bytes> sector{};
        store.read_at(intent_slot_at_byte(slot), sector);
        auto intent = decode_intent(sector);
        if (!intent) continue;
        ++intent->data_blocks;
        encode_intent(*intent, sector);
        store.write_at(intent_slot_at_byte(slot), sector);
    }
}

struct Case {
    const char* name;
    std::vector<std::function<void(MemoryStore&)>> changes;
    PendingState expected;
};

}  // namespace

TEST_CASE("opening an image and recovery agree on what is pending") {
    const std::vector<Case> cases{
        {"as it was left", {}, PendingState::pending},
        {"torn stream", {tear_stream}, PendingState::pending},
        {"another stamp", {overwrite_stamp}, PendingState::foreign},
        {"torn stream, another stamp", {tear_stream, overwrite_stamp}, PendingState::none},
        {"formatted", {empty_bitmap}, PendingState::none},
        {"formatted, torn stream", {tear_stream, empty_bitmap}, PendingState::none},
        {"of another size", {change_size_of_intents}, PendingState::none},
        {"dropped", {[](MemoryStore& store) { clear_intents(store); }}, PendingState::none},
        {"applied", {[](MemoryStore& store) { settle_intents(store); }}, PendingState::none},
    };
    for (const Case& one : cases) {
        CAPTURE(one.name);
        const auto store = left_open();
        for (const auto& change : one.changes)
            change(*store);
        CHECK(pending_state(*store) == one.expected);
        CHECK(has_intent(*store) == (one.expected != PendingState::none));
        CHECK(is_refused(*store) == (one.expected != PendingState::none));
    }
}

TEST_CASE("what a shortened file has lost of a stream makes it a torn one") {
    const auto store = left_open();
    const Intent intent = intent_of(*store);
    MemoryStore shorter(intent.first.at_byte());
    shorter.write_at(0, store->bytes().first(shorter.size_bytes()));
    CHECK(pending_state(shorter) == PendingState::pending);
    CHECK(is_refused(shorter));
    overwrite_stamp(shorter);
    CHECK(pending_state(shorter) == PendingState::none);
    CHECK_FALSE(is_refused(shorter));
}
