// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "device/medium.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/window_reader.hpp"

namespace insitu {

namespace {

constexpr std::byte tail_of_block_0{0x10};

void zero_fill(ByteSpan bytes) noexcept {
    if (!bytes.empty()) std::memset(bytes.data(), 0, bytes.size());
}

}  // namespace

Medium::Medium(Store& store, const DeviceOptions& options)
    : store_(store),
      image_(Image::open(store_, options.size_check, PendingCheck::ignore)),
      geometry_(image_.geometry()),
      meta_(store_, geometry_),
      content_(options.decode_cache_bytes),
      seal_check_(options.seal_check),
      workspaces_({image_.algorithm(), options.level, DeflateWindow::kib2}, options.seals,
                  options.seal_check),
      idle_workspaces_(
          {image_.algorithm(), std::max(options.level, Level::normal), DeflateWindow::kib2},
          options.seals, options.seal_check) {}

Place Medium::place_of(WindowIndex window, unsigned block) const {
    const BlockIndex index = first_block_of(window) + block;
    return {.file = store_.name(),
            .window = window,
            .block = index,
            .byte = geometry_.block_at_byte(index)};
}

bool Medium::starts_with_tail(WindowIndex window) {
    return window.value < geometry_.window_count() &&
           (meta_.get(window)[0] & tail_of_block_0) != std::byte{0};
}

std::optional<WindowMap> Medium::plain_map(WindowIndex window) {
    const WindowMap map = WindowMap::decode(meta_.get(window), geometry_.blocks_in_window(window));
    if (!map.sound() || starts_with_tail(window + 1)) return std::nullopt;
    return map;
}

void Medium::decode(WindowIndex window, const PlannedExtent& extent, ByteView payload,
                    ByteSpan output, PayloadDecoder& decoder) const {
    if (extent.raw()) {
        std::memcpy(output.data(), payload.data(), output.size());
        return;
    }
    const auto fault = decoder.decode(first_block_of(window) + extent.first, payload, output);
    if (!fault) return;
    throw Error(
        ErrorKind::damaged, place_of(window, extent.first), fault->text(),
        fault->kind == PayloadFault::Kind::unsealed
            ? "insitu-fsck reports what can be repaired; verify-seals=false reads it all the "
              "same"
            : "");
}

void Medium::read_extent(WindowIndex window, const PlannedExtent& extent, ByteSpan output,
                         Workspace& space) {
    const BlockIndex first = first_block_of(window) + extent.first;
    if (extent.compressed() && content_.read(first, output)) return;
    if (extent.held) return decode(window, extent, *extent.held, output, space.decoder);
    const ByteSpan payload = space.payload.first(extent.payload_sectors * sector_bytes);
    store_.read_at(window_at_byte(window) + extent.first * block_bytes, payload);
    decode(window, extent, payload, output, space.decoder);
}

// What a part of a window takes of one extent: its blocks [first, end).
struct Medium::Piece {
    const PlannedExtent* extent = nullptr;
    unsigned first = 0;
    unsigned end = 0;
    bool done = false;  // its content was known

    std::size_t bytes() const noexcept { return (end - first) * block_bytes; }
    bool whole() const noexcept { return end - first == extent->blocks; }
    std::size_t offset_in_extent() const noexcept { return (first - extent->first) * block_bytes; }
};

// `in_place`: the window's space from byte `start` on, as far as the pieces need it.
void Medium::read_piece(WindowIndex window, const Piece& piece, ByteView in_place,
                        std::size_t start, ByteSpan output, Workspace& space) {
    const PlannedExtent& extent = *piece.extent;
    if (extent.unmapped()) return zero_fill(output);
    const std::byte* from = nullptr;
    if (extent.raw()) {
        from = extent.held ? extent.held->data() + piece.offset_in_extent()
                           : in_place.data() + (piece.first * block_bytes - start);
    } else {
        const ByteView payload = extent.held
                                     ? ByteView(*extent.held)
                                     : in_place.subspan(extent.first * block_bytes - start,
                                                        extent.payload_sectors * sector_bytes);
        // Whoever reads whole extents will hardly come back for a part.
        if (piece.whole()) return decode(window, extent, payload, output, space.decoder);
        const ByteSpan whole = space.content.first(extent.blocks * block_bytes);
        decode(window, extent, payload, whole, space.decoder);
        content_.insert(first_block_of(window) + extent.first, whole);
        from = whole.data() + piece.offset_in_extent();
    }
    std::memcpy(output.data(), from, output.size());
}

// Everything in place that the part needs is read with one call: it is never more than a window.
void Medium::read_planned(const WindowPart& part, std::span<const PlannedExtent> extents,
                          ByteSpan output, Workspace& space) {
    const auto wanted = [&](const Piece& piece) {
        return output.subspan((piece.first - part.first) * block_bytes, piece.bytes());
    };
    std::array<Piece, window_blocks> pieces;
    std::size_t count = 0;
    std::uint64_t start = window_bytes;
    std::uint64_t end = 0;
    for (const PlannedExtent& extent : extents) {
        Piece& piece = pieces[count++];
        piece = {&extent, std::max(extent.first, part.first), std::min(extent.end(), part.end)};
        piece.done = extent.compressed() &&
                     content_.read(first_block_of(part.window) + piece.first, wanted(piece));
        if (!extent.in_place() || piece.done) continue;
        const std::uint64_t at = (extent.raw() ? piece.first : extent.first) * block_bytes;
        start = std::min(start, at);
        end = std::max(end,
                       at + (extent.raw() ? piece.bytes() : extent.payload_sectors * sector_bytes));
    }
    if (count == 1 && extents[0].raw() && extents[0].in_place()) {
        return store_.read_at(window_at_byte(part.window) + start, output);
    }
    const ByteSpan in_place = space.payload.first(end > start ? end - start : 0);
    if (!in_place.empty()) store_.read_at(window_at_byte(part.window) + start, in_place);
    for (const Piece& piece : std::span(pieces).first(count)) {
        if (!piece.done) {
            read_piece(part.window, piece, in_place, start, wanted(piece), space);
        }
    }
}

// Windows that the driver would not write: extents over borders, or faults. Nothing in them is ever
// staged in part, so the medium has all.
void Medium::read_unsound(const WindowPart& part, ByteSpan output) const {
    WindowReader reader(image_);
    reader.set_seal_check(seal_check_);
    const BlockIndex first = first_block_of(part.window) + part.first;
    const BlockIndex end = first_block_of(part.window) + part.end;
    for (const StoredExtent& extent : reader.meta().extents_touching(part.window)) {
        const BlockIndex from = std::max(extent.first, first);
        const BlockIndex to = std::min(extent.end(), end);
        if (from >= to) continue;
        const ByteSpan wanted = output.subspan((from.value - first.value) * block_bytes,
                                               (to.value - from.value) * block_bytes);
        AlignedBuffer content(extent.blocks * block_bytes);
        if (const auto damage = reader.read_extent(extent, content.span())) {
            throw Error(damage->os_error != 0 ? ErrorKind::io : ErrorKind::damaged,
                        {.file = store_.name(),
                         .window = part.window,
                         .block = extent.first,
                         .byte = damage->at_byte},
                        damage->text, "insitu-fsck reports what can be repaired", damage->os_error);
        }
        std::memcpy(wanted.data(), content.data() + (from.value - extent.first.value) * block_bytes,
                    wanted.size());
    }
}

}  // namespace insitu
