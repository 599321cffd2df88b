// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/journal/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "image/intents.hpp"
#include "image/redo_window_reader.hpp"
#include "image/window_meta.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/image/image.hpp"
#include "journal/foreign_check.hpp"

namespace insitu {

namespace {

template <class Visit>
bool for_each_redo(const Store& store, const Geometry& geometry, const Intent& intent,
                   Visit visit) {
    RedoWindowReader reader(store, geometry, intent);
    Redo redo;
    while (reader.next(redo))
        visit(redo);
    return reader.whole();
}

// The intents whose streams are whole, the older first.
std::vector<Intent> valid_intents(const Store& store, const Geometry& geometry, StampCheck stamps,
                                  std::uint64_t& last_generation) {
    std::vector<Intent> found;
    for (const auto& [intent, state] : read_intents(store, geometry)) {
        if (state == IntentState::none) continue;
        if (state == IntentState::foreign && stamps == StampCheck::required) {
            throw Error(
                ErrorKind::damaged, {.file = store.name(), .byte = stamp_place(geometry).at_byte},
                "has writes of an interrupted run to be applied, but the stamp of its "
                "bitmap was overwritten by another program since",
                "the live device opened with pending=apply applies them all the same, "
                "with pending=drop it discards them; check the image with insitu-fsck afterwards");
        }
        last_generation = std::max(last_generation, intent.generation);
        if (state != IntentState::torn) found.push_back(intent);
    }
    std::sort(found.begin(), found.end(),
              [](const Intent& a, const Intent& b) { return a.generation < b.generation; });
    return found;
}

// What is to become meta of the image is parsed as all that is untrusted.
void require_sound_meta(const Store& store, const Geometry& geometry, const Redo& redo) {
    const WindowIndex window = redo.window.window;
    const WindowMap map = WindowMap::decode(redo.window.after, geometry.blocks_in_window(window));
    if (map.sound() && map.leading_tails() == 0) return;
    throw Error(
        ErrorKind::damaged,
        {.file = store.name(), .window = window, .byte = geometry.window_meta_at_byte(window)},
        "has writes of an interrupted run to be applied, but the meta that they would "
        "give the window makes no sense",
        "the live device opened with pending=drop discards them; check the image with insitu-fsck "
        "afterwards");
}

// Whole blocks that a redo changes.
std::uint64_t touched_bytes(const Redo& redo) {
    std::uint64_t blocks = 1;  // of meta
    std::uint64_t next = 0;
    for (const RedoPiece& piece : redo.pieces) {
        const std::uint64_t first =
            std::max<std::uint64_t>(piece.first_sector / sectors_per_block, next);
        const std::uint64_t end = ceil_div(piece.first_sector + piece.sectors, sectors_per_block);
        if (piece.kind == RedoPiece::Kind::kept || end <= first) continue;
        blocks += end - first;
        next = end;
    }
    return blocks * block_bytes;
}

// Walks both streams side by side, a window at a time, so that memory does not depend on their
// length. Returns the number of windows.
std::uint64_t check_intents(const Store& store, const Geometry& geometry,
                            const std::vector<Intent>& intents, std::uint64_t most_bytes) {
    struct Walk {
        RedoWindowReader reader;
        Redo redo;
        bool more = false;
    };
    std::vector<Walk> walks;
    walks.reserve(intents.size());
    for (const Intent& intent : intents) {
        Walk& walk = walks.emplace_back(Walk{RedoWindowReader(store, geometry, intent), {}, false});
        walk.more = walk.reader.next(walk.redo);
    }
    std::uint64_t windows = 0;
    std::uint64_t bytes = 0;
    for (;; ++windows) {
        std::optional<WindowIndex> window;
        for (const Walk& walk : walks) {
            if (walk.more && (!window || walk.redo.window.window < *window)) {
                window = walk.redo.window.window;
            }
        }
        if (!window) return windows;
        ForeignCheck foreign(store, geometry);
        for (Walk& walk : walks) {
            if (!walk.more || walk.redo.window.window != *window) continue;
            require_sound_meta(store, geometry, walk.redo);
            foreign.allow(walk.redo);
            bytes += touched_bytes(walk.redo);
            walk.more = walk.reader.next(walk.redo);
        }
        foreign.check();
        if (bytes <= most_bytes) continue;
        throw Error(ErrorKind::refused, {.file = store.name()},
                    fmt::format("has writes of an interrupted run to be applied, more than the {} "
                                "bytes that are kept in memory",
                                most_bytes),
                    "insitu-fsck -p, or opening the live device for writing, applies them");
    }
}

void write_redo(Store& store, const Geometry& geometry, const Redo& redo) {
    const std::uint64_t window_at = geometry.block_at_byte(first_block_of(redo.window.window));
    ByteView rest = redo.bytes;
    for (const RedoPiece& piece : redo.pieces) {
        if (piece.kind == RedoPiece::Kind::kept) continue;
        store.write_at(window_at + piece.offset_bytes(), rest.first(piece.bytes()));
        rest = rest.subspan(piece.bytes());
    }
    write_window_meta(store, geometry, redo.window.window, redo.window.after);
}

}  // namespace

PendingState pending_state(const Store& store) {
    if (store.size_bytes() < block_bytes) return PendingState::none;
    const SuperBlock super = read_super_block(store);
    if (super.magic != super_magic || !counts_addressable(super.counts)) return PendingState::none;
    PendingState result = PendingState::none;
    for (const auto& [intent, state] : read_intents(store, Geometry(super.counts))) {
        if (state == IntentState::foreign) return PendingState::foreign;
        if (state != IntentState::none) result = PendingState::pending;
    }
    return result;
}

bool has_intent(const Store& store) {
    return pending_state(store) != PendingState::none;
}

void require_settled(const Store& store, PendingCheck pending) {
    if (pending == PendingCheck::refuse && has_intent(store)) refuse_pending(store);
}

Recovery apply_intents(Store& store, StampCheck stamps, std::uint64_t most_bytes) {
    const Geometry geometry =
        Image::open(store, SizeCheck::trust_super, PendingCheck::ignore).geometry();
    Recovery recovery;
    const auto intents = valid_intents(store, geometry, stamps, recovery.last_generation);
    recovery.windows = check_intents(store, geometry, intents, most_bytes);
    for (std::size_t i = 0; i < intents.size(); ++i) {
        // The newer one may put payloads where the stream of the older one is.
        if (i != 0) store.sync();
        for_each_redo(store, geometry, intents[i],
                      [&](const Redo& redo) { write_redo(store, geometry, redo); });
    }
    return recovery;
}

std::uint64_t settle_intents(Store& store) {
    if (!has_intent(store)) return 0;
    const std::uint64_t windows = apply_intents(store).windows;
    clear_intents(store);
    return windows;
}

void clear_intents(Store& store) {
    std::array<std::uint64_t, intent_slots> generation{};
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        if (const auto intent = read_intent(store, slot)) generation[slot] = intent->generation;
    }
    if (generation[0] == 0 && generation[1] == 0) return;
    const unsigned older = generation[0] <= generation[1] ? 0 : 1;
    AlignedBuffer zeros(sector_bytes);
    std::memset(zeros.data(), 0, zeros.size());
    store.sync();
    for (const unsigned slot : {older, 1 - older}) {
        if (generation[slot] == 0) continue;
        store.write_at(intent_slot_at_byte(slot), zeros.view());
        store.sync();
    }
}

}  // namespace insitu
