// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/window_repair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"

namespace insitu {

namespace {

ActionKind action_of(const Piece& piece) {
    switch (piece.kind) {
        case PieceKind::candidate:
            return piece.suspect ? ActionKind::may_be_older : ActionKind::remap;
        case PieceKind::raw_proven:
            return ActionKind::remap;
        case PieceKind::cut:
        case PieceKind::recovered:
            return ActionKind::rewrite;
        case PieceKind::salvaged:
            return ActionKind::salvage;
        case PieceKind::raw_guess:
            return ActionKind::raw_guess;
        case PieceKind::zeros_proven:
        case PieceKind::empty:
            return ActionKind::unmap;
        case PieceKind::missing:
        case PieceKind::lost:
            return ActionKind::lose;
        case PieceKind::kept:
        case PieceKind::undecided:
            break;
    }
    return ActionKind::left_undecided;
}

std::string detail_of(const Piece& piece) {
    switch (piece.kind) {
        case PieceKind::candidate:
            return piece.suspect ? "a payload that may be of an earlier state"
                                 : "a payload that gives exactly these blocks";
        case PieceKind::raw_proven:
            return "raw: the manifest proves it";
        case PieceKind::zeros_proven:
            return "the manifest has zeros here";
        case PieceKind::cut:
            return "the first blocks of a payload that gives more";
        case PieceKind::recovered:
            return "a whole stream whose length word is lost";
        case PieceKind::salvaged:
            return "the blocks that decode of a torn stream";
        case PieceKind::raw_guess:
            return "data that nothing explains: taken for raw";
        case PieceKind::empty:
            return "holds zeros";
        case PieceKind::missing:
            return "zeros, where the meta has a payload: its content is gone";
        case PieceKind::lost:
            return "remains of something that cannot be read: zeros";
        case PieceKind::kept:
        case PieceKind::undecided:
            break;
    }
    return "nothing shows what is right: left as it is";
}

}  // namespace

void copy_entries(const WindowMeta& from, unsigned first, unsigned count, WindowMeta& to) noexcept {
    for (unsigned bit = first * bits_per_entry; bit < (first + count) * bits_per_entry; ++bit) {
        const std::byte mask{static_cast<unsigned char>(1U << (bit % 8))};
        to[bit / 8] = (to[bit / 8] & ~mask) | (from[bit / 8] & mask);
    }
}

WindowPlanner::WindowPlanner(const Image& image, const RepairOptions& options)
    : image_(image),
      options_(options),
      encoder_({.algorithm = image.algorithm()}, options.seals),
      search_(image.algorithm(),
              {options.trust_payloads, options.salvage,
               options.manifest_trust == RepairOptions::ManifestTrust::force, options.seals}),
      content_(window_bytes) {}

// Reads a window's space, and what the manifest has of it; blocks that cannot be read are zeros and
// have a bit.
SearchInput WindowPlanner::read(WindowIndex window) {
    SearchInput input;
    input.window = window;
    input.blocks = image_.geometry().blocks_in_window(window);
    if (options_.check.manifest != nullptr) {
        input.manifest = options_.check.manifest->starting_in(window);
        input.manifest_zeros = options_.check.manifest->zero_blocks(window);
    }
    const ByteSpan content = content_.first(input.blocks * block_bytes);
    input.content = content;
    const std::uint64_t at = image_.geometry().block_at_byte(first_block_of(window));
    try {
        image_.store().read_at(at, content);
        return input;
    } catch (const Error&) {
        // One by one.
    }
    for (unsigned block = 0; block < input.blocks; ++block) {
        const ByteSpan bytes = content.subspan(block * block_bytes, block_bytes);
        try {
            image_.store().read_at(at + block * block_bytes, bytes);
        } catch (const Error&) {
            std::fill(bytes.begin(), bytes.end(), std::byte{0});
            input.unreadable |= std::uint32_t{1} << block;
        }
    }
    return input;
}

WindowRepair WindowPlanner::keep(WindowIndex window, MetaCursor& meta) {
    WindowRepair plan;
    plan.window = window;
    const auto bytes = meta.meta(window);
    std::copy(bytes.begin(), bytes.end(), plan.old_meta.begin());
    plan.new_meta = plan.old_meta;
    return plan;
}

void WindowPlanner::split(WindowRepair& plan, const StoredExtent& extent, WindowReader& reader) {
    AlignedBuffer content(extent.blocks * block_bytes);
    if (reader.read_extent(extent, content.span())) return;
    for (BlockIndex first = extent.first; first < extent.end();) {
        const WindowIndex window = window_of(first);
        const BlockIndex end = std::min(first_block_of(window + 1), extent.end());
        const auto blocks = static_cast<unsigned>(end.value - first.value);
        const ByteView part = content.view().subspan(
            (first.value - extent.first.value) * block_bytes, blocks * block_bytes);
        const ByteView payload = encoder_.encode(first, part);
        PlannedWrite write;
        write.at_byte = image_.geometry().block_at_byte(first);
        write.new_bytes.assign(payload.begin(), payload.end());
        write.old_bytes.resize(payload.size());
        image_.store().read_at(write.at_byte, write.old_bytes);
        plan.writes.push_back(std::move(write));
        plan.parts.push_back({window,
                              {static_cast<unsigned>(first.value % window_blocks), blocks,
                               static_cast<unsigned>(payload.size() / sector_bytes)}});
        first = end;
    }
    plan.actions.push_back(
        {ActionKind::rewrite, plan.window, extent.first, extent.blocks,
         image_.geometry().block_at_byte(extent.first), 0,
         fmt::format("an extent over a border, as {} proper ones", plan.parts.size())});
}

WindowRepair WindowPlanner::plan(WindowIndex window, WindowChecker& checker) {
    SearchInput input = read(window);
    input.prior = &checker.map();
    input.judged = checker.extents();
    WindowRepair plan = keep(window, checker.meta());
    fill(plan, input);
    return plan;
}

WindowRepair WindowPlanner::rebuild(WindowIndex window, MetaCursor& meta) {
    const SearchInput input = read(window);
    WindowRepair plan = keep(window, meta);
    fill(plan, input);
    return plan;
}

void WindowPlanner::fill(WindowRepair& plan, const SearchInput& input) {
    const std::vector<Piece>& pieces = search_.solve(input);
    WindowMap map(input.blocks);
    for (const Piece& piece : pieces) {
        const bool stays = piece.kind == PieceKind::kept || piece.kind == PieceKind::undecided;
        if (!stays) map.set_extent(piece.extent);
    }
    map.encode(plan.new_meta);
    for (const Piece& piece : pieces)
        put(plan, input, piece);
    // What lies behind the last block of the device means nothing and stays.
    copy_entries(plan.old_meta, input.blocks, window_blocks - input.blocks, plan.new_meta);
    if (plan.changes()) return;
    std::erase_if(plan.actions, [](const PlannedAction& action) {
        return action.kind != ActionKind::left_undecided;
    });
    plan.suspect_blocks = 0;
    plan.lost_blocks = 0;
}

void WindowPlanner::put(WindowRepair& plan, const SearchInput& input, const Piece& piece) {
    if (piece.kind == PieceKind::kept || piece.kind == PieceKind::undecided) {
        copy_entries(plan.old_meta, piece.extent.first, piece.extent.blocks, plan.new_meta);
    }
    if (piece.kind == PieceKind::kept) return;
    if (!piece.payload.empty()) {
        PlannedWrite write;
        write.at_byte =
            image_.geometry().block_at_byte(first_block_of(input.window) + piece.extent.first);
        const ByteView old =
            input.content.subspan(piece.extent.first * block_bytes, piece.payload.size());
        write.old_bytes.assign(old.begin(), old.end());
        write.new_bytes = piece.payload;
        plan.writes.push_back(std::move(write));
    }
    tell(plan, input, piece);
}

void WindowPlanner::tell(WindowRepair& plan, const SearchInput& input, const Piece& piece) const {
    const unsigned blocks = piece.extent.blocks;
    const ActionKind kind = action_of(piece);
    if (is_suspect(kind)) plan.suspect_blocks += blocks;
    if (kind == ActionKind::lose) plan.lost_blocks += blocks;
    if (kind == ActionKind::left_undecided) plan.undecided_blocks += blocks;
    const BlockIndex first = first_block_of(input.window) + piece.extent.first;
    const bool single =
        kind == ActionKind::unmap || kind == ActionKind::lose || kind == ActionKind::left_undecided;
    if (single && !plan.actions.empty()) {
        PlannedAction& last = plan.actions.back();
        if (last.kind == kind && last.block + last.blocks == first &&
            last.detail == detail_of(piece)) {
            last.blocks += blocks;
            return;
        }
    }
    plan.actions.push_back({kind, input.window, first, blocks,
                            image_.geometry().block_at_byte(first), piece.extent.payload_sectors,
                            detail_of(piece)});
}

}  // namespace insitu
