// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/committer.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "insitu/error.hpp"
#include "insitu/internal/format/random_bytes.hpp"
#include "insitu/internal/journal/recovery.hpp"

namespace insitu {

namespace {

// Who waits for room waits for the encoding and writing of so much; of a small cache, an eighth.
constexpr std::uint64_t most_part_bytes = std::uint64_t{4} << 20;
constexpr std::uint64_t parts_of_cache = 8;

// The first byte is not zero: it may be the only one that has room.
std::uint64_t random_stamp() {
    std::uint64_t stamp = 0;
    fill_random(std::as_writable_bytes(std::span(&stamp, 1)));
    return stamp | 1;
}

}  // namespace

Committer::Committer(Medium& medium, Staging& staging, RedoSpace& space,
                     const DeviceOptions& options, AtomicCounters& counters)
    : medium_(medium), staging_(staging), space_(space), options_(options), counters_(counters) {}

void Committer::check_failed() {
    const std::lock_guard lock(failure_mutex_);
    if (failure_) std::rethrow_exception(failure_);
}

// For failures after which nobody knows what is on the medium. Call it from a handler.
void Committer::fail_for_good() {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
    std::rethrow_exception(failure_);
}

// A write that found the disk full, or no memory, has changed nothing that cannot be written again,
// and can be when there is room. Call it from a handler.
void Committer::fail_unless_it_passes() {
    try {
        throw;
    } catch (const Error& error) {
        if (is_full_disk(error)) throw;
        fail_for_good();
    } catch (const std::bad_alloc&) {
        throw;
    } catch (...) {
        fail_for_good();
    }
}

// What every commit begins with. The caller has the turn.
void Committer::go_on() {
    check_failed();
    finish_in_place();
}

void Committer::sync_store() {
    try {
        // Before the sync: what is written from here on may miss it.
        holes_unsynced_ = false;
        medium_.store().sync();
    } catch (...) {
        fail_for_good();
    }
}

void Committer::write_redo(Part part, Intent& intent) {
    try {
        // A reader may have the hole between two payloads in the same read.
        const auto write = [this](SectorRun run, ByteView bytes) {
            const WindowIndex window{(run.at_byte() - medium_.geometry().data_at_byte()) /
                                     window_bytes};
            const std::unique_lock lock(staging_.stripe_of(window).mutex);
            to_punch_.add(window);
            medium_.store().write_at(run.at_byte(), bytes);
        };
        RedoWriter writer([this] { return space_.take(); }, write, redo_buffer_);
        for (const ChangedWindow& changed : part) {
            append_window(writer, changed.window, changed.staged->before, changed.after,
                          changed.sectors);
        }
        writer.finish(intent);
        counters_.journal += writer.written_bytes();
    } catch (...) {
        // Nothing but holes was written: the commit can be tried again. It will tell what is in
        // them, so what was written there has to be durable by then.
        holes_unsynced_ = true;
        space_.untake();
        throw;
    }
}

void Committer::write_intent(const Intent& intent) {
    encode_intent(intent, intent_sector_.first(sector_bytes).first<sector_bytes>());
    try {
        intent_pending_ = true;
        medium_.store().write_at(intent_slot_at_byte(intent_slot_of(intent.generation)),
                                 intent_sector_.view());
    } catch (...) {
        fail_for_good();
    }
    generation_ = intent.generation;
    sync_store();
    counters_.journal += sector_bytes;
    ++counters_.commits;
}

void Committer::write_protected(Part part) {
    Intent intent;
    intent.generation = generation_ + 1;
    intent.data_blocks = medium_.geometry().data_blocks();
    intent.stamp = stamp_;
    InPlace next = prepare_in_place(part);
    write_redo(part, intent);
    if (holes_unsynced_) sync_store();
    write_intent(intent);
    put_in_place(std::move(next), part, true);
}

// No room for a redo stream: in place, in the order that does the least harm.
void Committer::write_unprotected(Part part) {
    if (!warned_unprotected_ && options_.warn) {
        options_.warn(DeviceWarning::journal,
                      "the image is full: no hole is left for the journal; blocks that are being "
                      "written when the power fails may be damaged");
    }
    warned_unprotected_ = true;
    InPlace next = prepare_in_place(part);
    forget_intents();
    if (holes_unsynced_) sync_store();
    put_in_place(std::move(next), part, false);
}

// The journal may use holes of the windows that are committed, too, if it has no others.
void Committer::offer_own_holes(Part part) {
    for (const ChangedWindow& changed : part) {
        const StagedWindow& staged = *changed.staged;
        SectorMask needed = staged.on_medium;
        for (const PlannedExtent& extent : staged.plan)
            needed.add(extent.first_sector(), extent.payload_sectors);
        const unsigned blocks = medium_.geometry().blocks_in_window(changed.window);
        space_.offer_committing(changed.window,
                                SectorMask::range(0, blocks * sectors_per_block) - needed);
    }
}

// In one commit if its stream has room; otherwise in as many as are needed for each to have it.
void Committer::write_all(ChangedWindows& changed) {
    for (std::size_t first = 0; first < changed.size();) {
        std::size_t end = first;
        std::uint64_t bytes = 0;
        if (space_.cramped()) offer_own_holes(Part(changed).subspan(first));
        const std::uint64_t room = space_.room_bytes();
        while (end < changed.size() && bytes + stream_bytes_of(changed[end].sectors) <= room) {
            bytes += stream_bytes_of(changed[end++].sectors);
        }
        if (end != first) {
            write_protected(Part(changed).subspan(first, end - first));
            first = end;
        } else if (intent_pending_) {
            // What the current stream occupies is free when its commit is in place for good.
            sync_store();
            forget_intents();
            search_holes(RedoSpace::windows_a_commit);
        } else {
            write_unprotected(Part(changed).subspan(first, 1));
            ++first;
        }
    }
}

void Committer::forget_intents() {
    if (!intent_pending_) return;
    try {
        clear_intents(medium_.store());
    } catch (...) {
        fail_for_good();
    }
    intent_pending_ = false;
    offer_holes(space_.release_current());
}

void Committer::offer_holes(WindowIndex window) {
    const std::shared_lock lock(staging_.stripe_of(window).mutex);
    space_.offer(window, staging_.holes(window));
}

void Committer::offer_holes(const std::vector<WindowIndex>& windows) {
    for (const WindowIndex window : windows)
        offer_holes(window);
}

void Committer::search_holes(std::uint64_t most_windows, std::uint64_t most_again) {
    space_.begin_search(most_windows, most_again);
    while (const auto window = space_.next_candidate())
        offer_holes(*window);
    space_.end_search();
}

// The sync that makes the first intent durable does so with the stamp. If only one of the two is
// on the medium, nothing was acknowledged yet, and nothing applied.
void Committer::stamp_bitmap() {
    if (stamp_ != 0) return;
    const std::uint64_t stamp = random_stamp();
    write_stamp(stamp);
    stamp_ = stamp;
}

void Committer::write_stamp(std::uint64_t stamp) {
    std::array<std::byte, sizeof stamp> bytes{};
    encode_stamp(stamp, bytes);
    medium_.meta().set_stamp(ByteView(bytes).first(stamp_place(medium_.geometry()).bytes));
    counters_.meta += medium_.meta().write_dirty();
}

void Committer::abort(Part part) {
    for (ChangedWindow& changed : part) {
        if (changed.staged == nullptr) continue;  // it was written, or will be: in_place_
        const std::unique_lock lock(staging_.stripe_of(changed.window).mutex);
        changed.staged->committing = false;
        space_.withdraw(changed.window);
        changed.staged->reserved_bytes += changed.reserved_bytes;
        space_.aborted(changed.reserved_bytes);
    }
}

// The caller has the turn.
void Committer::commit_windows(Waiting windows) {
    ChangedWindows changed;
    try {
        fold_all(windows, changed);
        if (changed.empty()) return;
        stamp_bitmap();
        write_all(changed);
        // As many as may have lost holes: a small commit is not to take long.
        search_holes(RedoSpace::windows_a_commit,
                     std::min<std::uint64_t>(changed.size(), RedoSpace::windows_of_another_tour));
    } catch (...) {
        ++counters_.failed;
        abort(changed);
        throw;
    }
}

// How many of the windows are one part of a commit.
std::size_t Committer::part_of(Waiting windows) const {
    const std::uint64_t most = std::min(most_part_bytes, space_.limit_bytes() / parts_of_cache);
    std::uint64_t bytes = 0;
    std::size_t count = 0;
    while (count < windows.size() && bytes <= most)
        bytes += windows[count++].reserved_bytes;
    return count;
}

// The caller has the turn.
void Committer::commit_staged() {
    go_on();
    const std::uint64_t sequence = staging_.sequence();
    const std::vector<WaitingWindow> windows = staged_windows();
    for (Waiting rest = windows; !rest.empty();) {
        const std::size_t part = part_of(rest);
        commit_windows(rest.first(part));
        rest = rest.subspan(part);
        turn_.part_is_done();
    }
    durable_sequence_ = sequence;
}

void Committer::commit(std::uint64_t sequence) {
    const auto turn = turn_.take();
    check_failed();
    // Somebody else's commit may have covered it.
    if (durable_sequence_ < sequence) commit_staged();
}

// Windows take turns: the longer one is staged, the more writes its commit is good for.
void Committer::make_room() {
    const auto turn = turn_.take_or_wait();
    if (!turn) return;
    go_on();
    const std::vector<WaitingWindow> windows = staged_windows();
    auto first = std::lower_bound(
        windows.begin(), windows.end(), next_part_,
        [](const WaitingWindow& one, WindowIndex window) { return one.window < window; });
    if (first == windows.end()) first = windows.begin();
    // A redo stream has windows in rising order.
    Waiting part(first, windows.end());
    part = part.first(part_of(part));
    if (part.empty()) return;
    next_part_ = part.back().window + 1;
    commit_windows(part);
}

void Committer::clean_if_durable() {
    const auto turn = turn_.take();
    if (!in_place_ && is_durable(staging_.sequence())) forget_intents();
}

void Committer::close() {
    commit_all();
    {
        const auto turn = turn_.take();
        go_on();
        forget_intents();
        if (stamp_ != 0) write_stamp(0);
        stamp_ = 0;
        sync_store();
    }
    while (punch_next()) {
    }
}

// Old payloads and redo streams. If no intent is pending, what is in place is durable, and nothing
// else is needed.
bool Committer::punch_next() {
    const auto turn = turn_.take();
    if (intent_pending_) return false;
    const auto window = to_punch_.take();
    if (!window) return false;
    const std::unique_lock lock(staging_.stripe_of(*window).mutex);
    const SectorMask free = staging_.holes(*window);
    const auto free_block = [&](unsigned block) {
        return free.contains(SectorMask::range(block * sectors_per_block, sectors_per_block));
    };
    for (unsigned first = 0; first < window_blocks; ++first) {
        unsigned end = first;
        while (end < window_blocks && free_block(end))
            ++end;
        if (end == first) continue;
        medium_.store().discard(medium_.window_at_byte(*window) + first * block_bytes,
                                (end - first) * block_bytes);
        first = end;
    }
    holes_unsynced_ = true;
    return true;
}

}  // namespace insitu
