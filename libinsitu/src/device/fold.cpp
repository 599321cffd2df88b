// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <bit>
#include <mutex>

#include "device/committer.hpp"
#include "engine/for_each.hpp"
#include "window/edit.hpp"

// The encoding half of a commit: what was written becomes payloads.
namespace insitu {

namespace {

// Blocks side by side that were written as a whole, and will hardly be written or read singly.
constexpr unsigned blocks_of_a_stream = 4;

// Where single blocks were written, others will be: what is left of the extents is encoded once, in
// the shape that it would get then.
bool is_random(const DirtyBlocks& dirty) {
    const std::uint32_t mask = dirty.content_mask();
    const bool is_one_run = (mask & ~(mask << 1) & (mask - 1)) == 0;
    return mask != 0 &&
           (!is_one_run || static_cast<unsigned>(std::popcount(mask)) < blocks_of_a_stream);
}

}  // namespace

std::vector<Committer::WaitingWindow> Committer::staged_windows() {
    std::vector<WaitingWindow> windows;
    for (Staging::Stripe& stripe : staging_.stripes()) {
        const std::shared_lock lock(stripe.mutex);
        for (const auto& [index, staged] : stripe.staged)
            windows.push_back({{index}, staged.reserved_bytes});
    }
    std::sort(windows.begin(), windows.end(),
              [](const WaitingWindow& a, const WaitingWindow& b) { return a.window < b.window; });
    return windows;
}

// The caller has the window's stripe alone.
void Committer::unstage(WindowIndex window) {
    staging_.stripe_of(window).staged.erase(window.value);
    space_.unstaged(window);
}

// Gives a window its new plan. Payloads are written in place at once if nobody needs what is there:
// neither the medium's map, nor the plan of before, nor the current redo stream.
void Committer::adopt(WindowIndex window, StagedWindow& staged, WindowPlan plan) {
    const SectorMask needed =
        staged.on_medium | sectors_in_place(staged.plan) | space_.current(window);
    const auto is_old = [&](const PlannedExtent& extent) {
        return std::any_of(staged.plan.begin(), staged.plan.end(),
                           [&](const PlannedExtent& old) { return old.held == extent.held; });
    };
    for (PlannedExtent& extent : plan) {
        if (!extent.held || is_old(extent)) continue;
        const auto place = SectorMask::range(extent.first_sector(), extent.payload_sectors);
        if ((place & needed).any()) continue;
        // Set after the write: a sync that clears it before has not seen it. A part of a failed
        // write may be there, too.
        struct Unsynced {
            std::atomic<bool>& flag;
            ~Unsynced() { flag = true; }
        } const unsynced{holes_unsynced_};
        medium_.store().write_at(medium_.window_at_byte(window) + extent.first * block_bytes,
                                 *extent.held);
        counters_.compressed += extent.held->size();
        extent.held = nullptr;
    }
    staged.plan = std::move(plan);
    staged.changed = true;
}

// What was written lately is read soon. Few blocks side by side, which are an extent of their own,
// are as soon decoded: they would take the place of content that is not.
void Committer::remember(WindowIndex window, const DirtyBlocks& dirty) {
    const BlockIndex start = first_block_of(window);
    for (unsigned block = 0; block < window_blocks; ++block) {
        if (dirty.test(block)) medium_.content().forget(start + block, 1);
    }
    const std::uint32_t content = dirty.content_mask();
    for (unsigned first = 0; first < window_blocks; ++first) {
        unsigned end = first;
        while (end < window_blocks && (content >> end & 1U) != 0)
            ++end;
        if (end - first >= blocks_of_a_stream) {
            for (unsigned block = first; block < end; ++block)
                medium_.content().insert(start + block, {dirty.content(block), block_bytes});
        }
        first = end;
    }
}

void Committer::merge_dirty(WindowIndex window, StagedWindow& staged, Workspace& workspace) {
    if (staged.dirty.empty()) return;
    WindowEditor editor(window, workspace.encoder, workspace.content);
    const auto placing = space_.room_bytes() < worst_window_bytes ? WindowEditor::Placing::keep_raw
                                                                  : WindowEditor::Placing::encode;
    const auto rest = cuts_.was_cut(window) || is_random(staged.dirty) ? WindowEditor::Rest::blocks
                                                                       : WindowEditor::Rest::runs;
    WindowPlan plan = editor.merge(staged.plan, staged.dirty, placing, rest);
    counters_.encoded += editor.encoded_bytes();
    counters_.rewritten += editor.rewritten_extents();
    if (editor.changed() && editor.rewritten_extents() != 0) cuts_.add(window);
    if (editor.changed()) adopt(window, staged, std::move(plan));
    remember(window, staged.dirty);
    staged.dirty.clear(staging_.blocks());
}

// Encodes what was written to a window and hands its plan to the commit. None if that changes
// nothing of what is on the medium.
std::optional<Committer::ChangedWindow> Committer::fold(WindowIndex window) {
    Staging::Stripe& stripe = staging_.stripe_of(window);
    ChangedWindow changed;
    changed.window = window;
    {
        const std::unique_lock lock(stripe.mutex);
        const auto found = stripe.staged.find(window.value);
        if (found == stripe.staged.end()) return std::nullopt;
        StagedWindow& staged = found->second;
        {
            Workspaces::Loan workspace(medium_.workspaces());
            merge_dirty(window, staged, *workspace);
        }
        if (!staged.changed) {
            space_.release(staged.reserved_bytes);
            unstage(window);
            space_.offer(window, staging_.holes(window));
            return std::nullopt;
        }
        changed.staged = &staged;
        changed.reserved_bytes = staged.reserved_bytes;
        space_.move_to_commit(staged.reserved_bytes);
        staged.reserved_bytes = 0;
        staged.accounted = 0;
        staged.committing = true;
    }
    return changed;
}

// What the window's commit has to write. Only commits change the plan of a window that is in one,
// so its stripe is not needed.
void Committer::compare_with_medium(ChangedWindow& changed) const {
    const StagedWindow& staged = *changed.staged;
    const unsigned blocks = medium_.geometry().blocks_in_window(changed.window);
    map_of(staged.plan, blocks).encode(changed.after);
    Workspaces::Loan workspace(medium_.workspaces());
    changed.sectors = changed_sectors(medium_.store(), medium_.window_at_byte(changed.window),
                                      staged.plan, staged.on_medium, (*workspace).payload);
    const auto& pieces = changed.sectors.pieces;
    changed.is_equal =
        changed.after == staged.before &&
        std::none_of(pieces.begin(), pieces.end(), [](const ChangedSectors::Piece& piece) {
            return piece.place.kind == RedoPiece::Kind::written;
        });
}

// By several workers if there is much to encode. `all` has what was folded also if that fails.
void Committer::fold_all(Waiting windows, ChangedWindows& all) {
    // Less work than starting threads for it.
    constexpr std::size_t few_windows = 32;
    std::vector<std::optional<ChangedWindow>> folded(windows.size());
    // What is folded is in the commit, and has to get into `all` whatever happens.
    all.reserve(windows.size());
    const auto move_to_all = [&] {
        for (auto& one : folded) {
            if (one) all.push_back(std::move(*one));
        }
    };
    Control control;
    control.threads = windows.size() < few_windows ? 1 : available_processors();
    std::size_t next = 0;
    try {
        for_each<std::size_t>(
            control,
            [&](std::size_t& index) {
                index = next++;
                return index < windows.size();
            },
            [&] {
                return [&](std::size_t index) {
                    folded[index] = fold(windows[index].window);
                    if (folded[index]) compare_with_medium(*folded[index]);
                };
            });
    } catch (...) {
        move_to_all();
        throw;
    }
    move_to_all();
    const auto equal = std::stable_partition(
        all.begin(), all.end(), [](const ChangedWindow& one) { return !one.is_equal; });
    // Equal content that was written again: nothing is to be done for it.
    apply(Part(all).subspan(static_cast<std::size_t>(equal - all.begin())));
    all.erase(equal, all.end());
}

bool Committer::compact(WindowIndex window) {
    const auto turn = turn_.take();
    go_on();
    // It writes over blocks that nobody wrote to, which only the journal protects.
    if (space_.cramped()) return false;
    Staging::Stripe& stripe = staging_.stripe_of(window);
    const auto stage = [&] {
        const std::unique_lock lock(stripe.mutex);
        return staging_.stage_for_change(window);
    };
    auto admission = stage();
    while (admission == RedoSpace::Admission::commit_first) {
        commit_staged();
        if (space_.cramped()) return false;
        admission = stage();
    }
    if (admission == RedoSpace::Admission::no_room) return false;
    const std::unique_lock lock(stripe.mutex);
    StagedWindow& staged = stripe.staged.at(window.value);
    Workspaces::Loan workspace(medium_.idle_workspaces());
    merge_dirty(window, staged, *workspace);
    const auto read = [&](const PlannedExtent& extent, ByteSpan output) {
        medium_.read_extent(window, extent, output, *workspace);
    };
    WindowEditor editor(window, (*workspace).encoder, (*workspace).content);
    WindowPlan plan = editor.compact(staged.plan, read);
    counters_.encoded += editor.encoded_bytes();
    if (editor.changed()) adopt(window, staged, std::move(plan));
    if (staged.changed) {
        staging_.count_change();
    } else {
        space_.release(staged.reserved_bytes);
        unstage(window);
        space_.offer(window, staging_.holes(window));
    }
    return editor.changed();
}

}  // namespace insitu
