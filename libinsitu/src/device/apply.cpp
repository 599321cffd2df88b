// SPDX-License-Identifier: GPL-2.0-or-later
#include <mutex>
#include <utility>

#include "device/committer.hpp"

// The last step of a commit: what is held goes to its place. A full disk, or memory that cannot be
// had, may put it off.
namespace insitu {

// Room for them is made before the intent is written: behind it there is no way back.
Committer::InPlace Committer::prepare_in_place(Part part) {
    InPlace next;
    next.windows.reserve(part.size());
    return next;
}

// From here on the windows are no longer the caller's: if the disk is full they stay as they are,
// in a commit, until a later one has brought them to their places.
void Committer::put_in_place(InPlace next, Part part, bool has_intent) {
    next.has_intent = has_intent;
    for (ChangedWindow& changed : part)
        next.windows.push_back(std::exchange(changed, {}));
    in_place_ = std::move(next);
    finish_in_place();
}

void Committer::finish_in_place() {
    if (!in_place_) return;
    apply(in_place_->windows);
    if (!in_place_->has_intent) sync_store();
    write_meta();
    std::vector<WindowIndex> free;
    if (in_place_->has_intent) {
        free = space_.make_current();
    } else {
        sync_store();
        ++counters_.unprotected;
    }
    const InPlace done = std::move(*in_place_);
    in_place_.reset();
    offer_holes(free);
    for (const ChangedWindow& one : done.windows)
        offer_holes(one.window);
}

// Writes what is held in place; readers of a window wait meanwhile. What was written to it since
// the commit began stays staged. What has no staged window was applied before.
void Committer::apply(Part part) {
    try {
        for (ChangedWindow& changed : part) {
            if (changed.staged == nullptr) continue;
            Staging::Stripe& stripe = staging_.stripe_of(changed.window);
            const std::unique_lock lock(stripe.mutex);
            const std::uint64_t at = medium_.window_at_byte(changed.window);
            for (const ChangedSectors::Piece& piece : changed.sectors.pieces) {
                if (piece.place.kind == RedoPiece::Kind::kept) continue;
                medium_.store().write_at(at + piece.place.offset_bytes(), piece.bytes);
                counters_.compressed += piece.bytes.size();
            }
            medium_.meta().set(changed.window, changed.after);
            to_punch_.add(changed.window);
            space_.committed(changed.reserved_bytes);
            StagedWindow& staged = *changed.staged;
            changed.staged = nullptr;
            if (staged.dirty.empty()) {
                unstage(changed.window);
                continue;
            }
            for (PlannedExtent& extent : staged.plan)
                extent.held = nullptr;
            staged.before = changed.after;
            staged.on_medium = sectors_in_place(staged.plan);
            staged.changed = false;
            staged.committing = false;
            space_.withdraw(changed.window);
        }
    } catch (...) {
        fail_unless_it_passes();
    }
}

void Committer::write_meta() {
    try {
        counters_.meta += medium_.meta().write_dirty();
    } catch (...) {
        fail_unless_it_passes();
    }
}

}  // namespace insitu
