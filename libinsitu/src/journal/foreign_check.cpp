// SPDX-License-Identifier: GPL-2.0-or-later
#include "journal/foreign_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "journal/sector_evidence.hpp"

namespace insitu {

namespace {

// A window's meta may lie in two sectors, of which each is old or new.
struct MetaPart {
    std::size_t first;
    std::size_t end;
};

std::array<MetaPart, 2> parts_of(const Geometry& geometry, WindowIndex window, std::size_t length) {
    const std::uint64_t at = geometry.window_meta_at_byte(window);
    const std::size_t cut = std::min<std::size_t>(sector_bytes - at % sector_bytes, length);
    return {{{0, cut}, {cut, length}}};
}

}  // namespace

void ForeignCheck::allow(const Redo& redo) {
    const WindowIndex window = redo.window.window;
    AllowedMeta& meta = metas_[window];
    meta.any.push_back(redo.window.before);
    meta.any.push_back(redo.window.after);
    meta.last = redo.window.after;
    std::size_t index = 0;
    ByteView bytes = redo.bytes;
    for (const RedoPiece& piece : redo.pieces) {
        for (unsigned i = 0; i < piece.sectors; ++i) {
            const std::uint32_t before = redo.hashes[index++];
            std::uint32_t after = before;
            if (piece.kind == RedoPiece::Kind::written) {
                after = hash_of_sector(bytes.first<sector_bytes>());
                bytes = bytes.subspan(sector_bytes);
            }
            sectors_.push_back(
                {window.value * window_sectors + piece.first_sector + i, before, after});
        }
    }
}

void ForeignCheck::check() {
    std::stable_sort(
        sectors_.begin(), sectors_.end(),
        [](const AllowedSector& a, const AllowedSector& b) { return a.sector < b.sector; });
    auto at = sectors_.begin();
    for (const auto& [window, allowed] : metas_) {
        check_meta(window, allowed);
        const std::uint64_t limit = (window.value + 1) * window_sectors;
        const auto end = std::find_if(at, sectors_.end(),
                                      [&](const AllowedSector& a) { return a.sector >= limit; });
        if (at != end) check_sectors(window, allowed, {at, end});
        at = end;
    }
}

void ForeignCheck::check_meta(WindowIndex window, const AllowedMeta& allowed) const {
    WindowMeta now{};
    // Meta of a last, shorter window ends before the 20 bytes do.
    const std::size_t length = meta_bytes_for(geometry_.blocks_in_window(window));
    const std::uint64_t at = geometry_.window_meta_at_byte(window);
    store_.read_at(at, ByteSpan(now).first(length));
    for (const MetaPart& part : parts_of(geometry_, window, length)) {
        const bool known =
            std::any_of(allowed.any.begin(), allowed.any.end(), [&](const WindowMeta& meta) {
                return std::memcmp(meta.data() + part.first, now.data() + part.first,
                                   part.end - part.first) == 0;
            });
        if (!known) refuse(window, at, "meta");
    }
}

// Sectors that the last intent leaves in a hole may hold anything: payloads and the redo stream of
// what was to come next.
void ForeignCheck::check_sectors(WindowIndex window, const AllowedMeta& allowed,
                                 std::span<const AllowedSector> sectors) const {
    const WindowMap map = WindowMap::decode(allowed.last, geometry_.blocks_in_window(window));
    const SectorMask live = sectors_in_place(map);
    const std::uint64_t first = sectors.front().sector;
    const std::size_t count = sectors.back().sector - first + 1;
    AlignedBuffer content(count * sector_bytes);
    std::vector<std::uint32_t> hashes(count);
    const std::uint64_t at = geometry_.data_at_byte() + first * sector_bytes;
    read_and_hash(store_, at, content.span(), hashes);
    for (auto it = sectors.begin(); it != sectors.end();) {
        const std::uint64_t sector = it->sector;
        const std::uint32_t now = hashes[sector - first];
        bool known = now == unknown_sector_hash || !live.test(sector % window_sectors);
        for (; it != sectors.end() && it->sector == sector; ++it) {
            known |= it->before == unknown_sector_hash || it->before == now || it->after == now;
        }
        if (!known) refuse(window, at + (sector - first) * sector_bytes, "content");
    }
}

void ForeignCheck::refuse(WindowIndex window, std::uint64_t at_byte, const char* what) const {
    throw Error(ErrorKind::damaged, {.file = store_.name(), .window = window, .byte = at_byte},
                fmt::format("has writes of an interrupted run to be applied, but its {} was "
                            "changed by another program since",
                            what),
                "the live device opened with pending=drop discards them; check the image with "
                "insitu-fsck afterwards");
}

}  // namespace insitu
