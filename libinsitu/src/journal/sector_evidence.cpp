// SPDX-License-Identifier: GPL-2.0-or-later
#include "journal/sector_evidence.hpp"

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"

namespace insitu {

namespace {

bool can_read(const Store& store, std::uint64_t at_byte, ByteSpan output) {
    try {
        store.read_at(at_byte, output);
        return true;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::io) throw;
        return false;
    }
}

}  // namespace

void read_and_hash(const Store& store, std::uint64_t at_byte, ByteSpan output,
                   std::span<std::uint32_t> hashes) {
    const bool all = can_read(store, at_byte, output);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        const ByteSpan sector = output.subspan(i * sector_bytes, sector_bytes);
        const bool known = all || can_read(store, at_byte + i * sector_bytes, sector);
        hashes[i] = known ? hash_of_sector(sector.first<sector_bytes>()) : unknown_sector_hash;
    }
}

ChangedSectors changed_sectors(const Store& store, std::uint64_t window_at_byte,
                               const WindowPlan& plan, const SectorMask& on_medium,
                               AlignedBuffer& buffer) {
    ChangedSectors changed;
    std::array<std::uint32_t, longest_run_sectors> hashes{};
    std::size_t extents = 0;
    std::size_t sectors = 0;
    for (const PlannedExtent& extent : plan) {
        if (!extent.held) continue;
        ++extents;
        sectors += extent.payload_sectors;
    }
    changed.pieces.reserve(extents);
    changed.old_hashes.reserve(sectors);
    for (const PlannedExtent& extent : plan) {
        if (!extent.held) continue;
        const ByteView payload = *extent.held;
        const unsigned first = extent.first_sector();
        const auto known = std::span(hashes).first(extent.payload_sectors);
        read_and_hash(store, window_at_byte + first * sector_bytes, buffer.first(payload.size()),
                      known);
        changed.old_hashes.insert(changed.old_hashes.end(), known.begin(), known.end());
        for (unsigned i = 0; i < extent.payload_sectors; ++i) {
            const ByteView sector = payload.subspan(i * sector_bytes, sector_bytes);
            const bool same =
                on_medium.test(first + i) && known[i] != unknown_sector_hash &&
                std::memcmp(buffer.data() + i * sector_bytes, sector.data(), sector_bytes) == 0;
            const auto kind = same ? RedoPiece::Kind::kept : RedoPiece::Kind::written;
            // Two payloads never share a piece: their bytes are not side by side.
            if (i == 0 || changed.pieces.back().place.kind != kind) {
                changed.pieces.push_back(
                    {{static_cast<std::uint16_t>(first + i), 0, kind}, sector.first(0)});
            }
            ChangedSectors::Piece& piece = changed.pieces.back();
            ++piece.place.sectors;
            piece.bytes = ByteView(piece.bytes.data(), piece.place.bytes());
        }
    }
    return changed;
}

}  // namespace insitu
