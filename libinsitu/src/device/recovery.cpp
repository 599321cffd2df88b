#include "insitu/device/recovery.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "device/foreign_check.hpp"
#include "device/redo_window_reader.hpp"
#include "insitu/error.hpp"
#include "insitu/format/window_map.hpp"
#include "insitu/image/image.hpp"

namespace insitu {

namespace {

using SlotSectors = std::array<std::byte, intent_slots * sector_bytes>;

SlotSectors read_slots(const Store& store) {
    SlotSectors sectors{};
    store.read_at(intent_slot_at_byte(0), sectors);
    return sectors;
}

std::span<const std::byte, sector_bytes> slot_sector(const SlotSectors& sectors, unsigned slot) {
    return ByteView(sectors).subspan(slot * sector_bytes).first<sector_bytes>();
}

template <class Visit>
bool for_each_redo(const Store& store, const Geometry& geometry, const Intent& intent,
                   Visit visit) {
    RedoWindowReader reader(store, geometry, intent);
    Redo redo;
    while (reader.next(redo))
        visit(redo);
    return reader.whole();
}

// An intent counts for the bitmap that it was made for and for no other.
bool belongs(const Store& store, const Geometry& geometry, const Intent& intent) {
    if (intent.data_blocks != geometry.data_blocks()) return false;
    const StampPlace place = stamp_place(geometry);
    if (place.at_byte + place.bytes > store.size_bytes()) return false;
    std::array<std::byte, sizeof intent.stamp> expected{};
    std::array<std::byte, sizeof intent.stamp> found{};
    encode_stamp(intent.stamp, expected);
    store.read_at(place.at_byte, ByteSpan(found).first(place.bytes));
    return std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(place.bytes),
                      expected.begin());
}

// The intents whose streams are whole, the older first.
std::vector<Intent> valid_intents(const Store& store, const Geometry& geometry,
                                  std::uint64_t& last_generation) {
    const SlotSectors sectors = read_slots(store);
    std::vector<Intent> found;
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        const auto intent = decode_intent(slot_sector(sectors, slot));
        if (!intent || !belongs(store, geometry, *intent)) continue;
        last_generation = std::max(last_generation, intent->generation);
        if (for_each_redo(store, geometry, *intent, [](const Redo&) {})) found.push_back(*intent);
    }
    std::sort(found.begin(), found.end(),
              [](const Intent& a, const Intent& b) { return a.generation < b.generation; });
    return found;
}

void write_meta(Store& store, const Geometry& geometry, const RedoWindow& redo) {
    const std::uint64_t at = geometry.window_meta_at_byte(redo.window);
    const std::uint64_t first = at / sector_bytes * sector_bytes;
    // Meta of a last, shorter window ends before the 20 bytes do.
    const std::size_t length = meta_bytes_for(geometry.blocks_in_window(redo.window));
    const std::uint64_t end = ceil_div(at + length, sector_bytes) * sector_bytes;
    AlignedBuffer sectors(end - first);
    store.read_at(first, sectors.span());
    std::memcpy(sectors.data() + (at - first), redo.after.data(), length);
    store.write_at(first, sectors.view());
}

void write_redo(Store& store, const Geometry& geometry, const Redo& redo) {
    const std::uint64_t window_at = geometry.block_at_byte(first_block_of(redo.window.window));
    ByteView rest = redo.bytes;
    for (const RedoPiece& piece : redo.pieces) {
        if (piece.kind == RedoPiece::Kind::kept) continue;
        store.write_at(window_at + piece.offset_bytes(), rest.first(piece.bytes()));
        rest = rest.subspan(piece.bytes());
    }
    write_meta(store, geometry, redo.window);
}

}  // namespace

bool has_intent(const Store& store) {
    if (store.size_bytes() < block_bytes) return false;
    const SuperBlock super = read_super_block(store);
    if (super.magic != super_magic || !counts_addressable(super.counts)) return false;
    const Geometry geometry(super.counts);
    const SlotSectors sectors = read_slots(store);
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        const auto intent = decode_intent(slot_sector(sectors, slot));
        if (intent && belongs(store, geometry, *intent)) return true;
    }
    return false;
}

Recovery apply_intents(Store& store) {
    const Geometry geometry(Image::open(store, SizeCheck::trust_super).super().counts);
    Recovery recovery;
    const auto intents = valid_intents(store, geometry, recovery.last_generation);
    ForeignCheck foreign(store, geometry);
    for (const Intent& intent : intents) {
        for_each_redo(store, geometry, intent, [&](const Redo& redo) { foreign.allow(redo); });
    }
    foreign.check();
    std::set<std::uint64_t> windows;
    for (std::size_t i = 0; i < intents.size(); ++i) {
        // The newer one may put payloads where the stream of the older one is.
        if (i != 0) store.sync();
        for_each_redo(store, geometry, intents[i], [&](const Redo& redo) {
            write_redo(store, geometry, redo);
            windows.insert(redo.window.window.value);
        });
    }
    recovery.windows = windows.size();
    return recovery;
}

void clear_intents(Store& store) {
    const SlotSectors sectors = read_slots(store);
    std::array<std::uint64_t, intent_slots> generation{};
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        const auto intent = decode_intent(slot_sector(sectors, slot));
        if (intent) generation[slot] = intent->generation;
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
