// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/intents.hpp"

#include <algorithm>
#include <array>

#include "image/redo_window_reader.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

// The stamp of the bitmap that an intent was made for.
bool stamp_fits(const Store& store, const Geometry& geometry, const Intent& intent) {
    const StampPlace place = stamp_place(geometry);
    std::array<std::byte, sizeof intent.stamp> expected{};
    std::array<std::byte, sizeof intent.stamp> found{};
    encode_stamp(intent.stamp, expected);
    store.read_at(place.at_byte, ByteSpan(found).first(place.bytes));
    return std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(place.bytes),
                      expected.begin());
}

// As formatting leaves it.
bool bitmap_empty(const Store& store, const Geometry& geometry) {
    AlignedBuffer piece(group_meta_bytes);
    const std::uint64_t end = geometry.data_at_byte();
    for (std::uint64_t at = geometry.meta_at_byte(); at < end; at += piece.size()) {
        at = std::max(at, store.next_data(at));
        if (at >= end) break;
        const ByteSpan bytes = piece.first(std::min<std::uint64_t>(piece.size(), end - at));
        store.read_at(at, bytes);
        if (!is_zero(bytes)) return false;
    }
    return true;
}

bool stream_whole(const Store& store, const Geometry& geometry, const Intent& intent) {
    RedoWindowReader reader(store, geometry, intent);
    Redo redo;
    while (reader.next(redo)) {
    }
    return reader.whole();
}

IntentState state_of(const Store& store, const Geometry& geometry, const Intent& intent) {
    if (intent.data_blocks != geometry.data_blocks()) return IntentState::none;
    if (geometry.data_at_byte() > store.size_bytes()) return IntentState::none;
    const bool ours = stamp_fits(store, geometry, intent);
    if (!stream_whole(store, geometry, intent)) return ours ? IntentState::torn : IntentState::none;
    if (ours) return IntentState::pending;
    // A new format makes an image without content: nothing of a former one comes back.
    return bitmap_empty(store, geometry) ? IntentState::none : IntentState::foreign;
}

}  // namespace

std::optional<Intent> read_intent(const Store& store, unsigned slot) {
    std::array<std::byte, sector_bytes> sector{};
    store.read_at(intent_slot_at_byte(slot), sector);
    return decode_intent(sector);
}

std::vector<FoundIntent> read_intents(const Store& store, const Geometry& geometry) {
    std::vector<FoundIntent> found;
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        if (const auto intent = read_intent(store, slot)) {
            found.push_back({*intent, state_of(store, geometry, *intent)});
        }
    }
    return found;
}

void refuse_pending(const Store& store) {
    throw Error(ErrorKind::refused, {.file = store.name()},
                "an interrupted live device left a commit that is not applied: what is in place is "
                "not what was last made durable",
                "open_image() applies it, in memory or in place; so do the tools, and "
                "insitu-fsck -p in place");
}

}  // namespace insitu
