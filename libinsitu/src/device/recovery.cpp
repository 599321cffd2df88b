#include "insitu/device/recovery.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "device/redo_stream.hpp"
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

// One window of a redo stream; the pieces are in the order of the stream.
struct Redo {
    RedoWindow window;
    std::vector<RedoPiece> pieces;
    std::vector<std::byte> bytes;
};

// False at the end of the stream, or where it makes no sense (its hash will tell).
bool read_redo(RedoReader& reader, const Geometry& geometry, Redo& redo) {
    std::array<std::byte, redo_window_bytes> head{};
    if (reader.at_end() || !reader.read(head)) return false;
    redo.window = unsafe_redo_window(head);
    if (redo.window.window.value >= geometry.window_count()) return false;
    const std::uint32_t room = geometry.blocks_in_window(redo.window.window) * sectors_per_block;
    if (redo.window.pieces > room) return false;
    std::uint64_t total_bytes = 0;
    redo.pieces.clear();
    for (std::uint32_t i = 0; i < redo.window.pieces; ++i) {
        std::array<std::byte, redo_piece_bytes> bytes{};
        if (!reader.read(bytes)) return false;
        const RedoPiece piece = unsafe_redo_piece(bytes);
        if (piece.sectors == 0 || piece.first_sector + std::uint32_t{piece.sectors} > room) {
            return false;
        }
        total_bytes += piece.bytes();
        redo.pieces.push_back(piece);
    }
    if (total_bytes > window_bytes) return false;
    redo.bytes.resize(total_bytes);
    return reader.read(redo.bytes);
}

template <class Visit>
bool for_each_redo(const Store& store, const Geometry& geometry, const Intent& intent,
                   Visit visit) {
    RedoReader reader(store, geometry, intent);
    Redo redo;
    while (read_redo(reader, geometry, redo))
        visit(redo);
    return reader.at_end() && reader.hash() == intent.redo_hash;
}

// The intents whose streams are whole, the older first.
std::vector<Intent> valid_intents(const Store& store, const Geometry& geometry,
                                  std::uint64_t& last_generation) {
    const SlotSectors sectors = read_slots(store);
    std::vector<Intent> found;
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        const auto intent = decode_intent(slot_sector(sectors, slot));
        if (!intent || intent->data_blocks != geometry.data_blocks()) continue;
        last_generation = std::max(last_generation, intent->generation);
        if (for_each_redo(store, geometry, *intent, [](const Redo&) {})) found.push_back(*intent);
    }
    std::sort(found.begin(), found.end(),
              [](const Intent& a, const Intent& b) { return a.generation < b.generation; });
    return found;
}

// A window's meta may lie in two sectors, of which each is old or new.
struct MetaPart {
    std::size_t first;
    std::size_t end;
};

std::array<MetaPart, 2> parts_of(const Geometry& geometry, WindowIndex window) {
    const std::uint64_t at = geometry.window_meta_at_byte(window);
    const std::size_t rest = sector_bytes - at % sector_bytes;
    const std::size_t cut = std::min(rest, window_meta_bytes);
    return {{{0, cut}, {cut, window_meta_bytes}}};
}

// Meta of a last, shorter window ends before the 20 bytes do.
std::size_t meta_length(const Geometry& geometry, WindowIndex window) {
    return meta_bytes_for(geometry.blocks_in_window(window));
}

class ForeignCheck {
  public:
    ForeignCheck(const Store& store, const Geometry& geometry)
        : store_(store), geometry_(geometry) {}

    void allow(const RedoWindow& redo) {
        auto& list = allowed_[redo.window];
        list.push_back(redo.before);
        list.push_back(redo.after);
    }

    void check() const {
        for (const auto& [window, list] : allowed_)
            check_window(window, list);
    }

  private:
    void check_window(WindowIndex window, const std::vector<WindowMeta>& list) const {
        WindowMeta now{};
        const std::size_t length = meta_length(geometry_, window);
        store_.read_at(geometry_.window_meta_at_byte(window), ByteSpan(now).first(length));
        for (const MetaPart& part : parts_of(geometry_, window)) {
            const std::size_t end = std::min(part.end, length);
            if (part.first >= end) continue;
            const bool known = std::any_of(list.begin(), list.end(), [&](const WindowMeta& meta) {
                return std::memcmp(meta.data() + part.first, now.data() + part.first,
                                   end - part.first) == 0;
            });
            if (known) continue;
            throw Error(ErrorKind::damaged,
                        {.file = store_.name(),
                         .window = window,
                         .byte = geometry_.window_meta_at_byte(window)},
                        "has writes of an interrupted run to be applied, but its meta was changed "
                        "by another program since",
                        "the live device opened with pending=drop forgets them; insitu-fsck then");
        }
    }

    const Store& store_;
    Geometry geometry_;
    std::map<WindowIndex, std::vector<WindowMeta>> allowed_;
};

void write_meta(Store& store, const Geometry& geometry, const RedoWindow& redo) {
    const std::uint64_t at = geometry.window_meta_at_byte(redo.window);
    const std::uint64_t first = at / sector_bytes * sector_bytes;
    const std::size_t length = meta_length(geometry, redo.window);
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
        store.write_at(window_at + piece.offset_bytes(), rest.first(piece.bytes()));
        rest = rest.subspan(piece.bytes());
    }
    write_meta(store, geometry, redo.window);
}

bool is_set(std::span<const std::byte, sector_bytes> sector) {
    return std::any_of(sector.begin(), sector.end(), [](std::byte b) { return b != std::byte{0}; });
}

}  // namespace

bool has_intent(const Store& store) {
    if (store.size_bytes() < block_bytes) return false;
    if (read_super_block(store).magic != super_magic) return false;
    const SlotSectors sectors = read_slots(store);
    return decode_intent(slot_sector(sectors, 0)) || decode_intent(slot_sector(sectors, 1));
}

Recovery apply_intents(Store& store) {
    const Geometry geometry(Image::open(store, SizeCheck::trust_super).super().counts);
    Recovery recovery;
    const auto intents = valid_intents(store, geometry, recovery.last_generation);
    ForeignCheck foreign(store, geometry);
    for (const Intent& intent : intents) {
        for_each_redo(store, geometry, intent,
                      [&](const Redo& redo) { foreign.allow(redo.window); });
    }
    foreign.check();
    std::set<std::uint64_t> windows;
    for (const Intent& intent : intents) {
        for_each_redo(store, geometry, intent, [&](const Redo& redo) {
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
    const unsigned older = generation[0] <= generation[1] ? 0 : 1;
    AlignedBuffer zeros(sector_bytes);
    std::memset(zeros.data(), 0, zeros.size());
    store.sync();
    for (const unsigned slot : {older, 1 - older}) {
        if (generation[slot] == 0 || !is_set(slot_sector(sectors, slot))) continue;
        store.write_at(intent_slot_at_byte(slot), zeros.view());
        store.sync();
    }
}

}  // namespace insitu
