#include <algorithm>
#include <random>

#include "device/device_core.hpp"
#include "device/redo_stream.hpp"
#include "device/sector_evidence.hpp"
#include "insitu/device/recovery.hpp"
#include "insitu/error.hpp"

// How staged windows reach the medium: docs/crash-safety.md, "How a commit goes".
namespace insitu {

namespace {

// The first byte is not zero: it may be the only one that has room.
std::uint64_t random_stamp() {
    std::random_device random;
    const std::uint64_t high = random();
    return high << 32 | std::uint64_t{random()} | 1;
}

}  // namespace

// A window to commit.
struct Device::Core::ChangedWindow {
    WindowIndex window;
    const StagedWindow* staged = nullptr;
    WindowMeta after{};
    ChangedSectors sectors;
};

// Rising windows.
struct Device::Core::Commit {
    std::vector<ChangedWindow> windows;
    Intent intent;
};

void Device::Core::check_failed() {
    const std::lock_guard lock(failure_mutex_);
    if (failure_) std::rethrow_exception(failure_);
}

// For failures after which nobody knows what is on the medium. Call it from a handler.
void Device::Core::fail_for_good() {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
    std::rethrow_exception(failure_);
}

void Device::Core::sync_store() {
    try {
        // Before the sync: what is written from here on may miss it.
        holes_unsynced_ = false;
        store_->sync();
    } catch (...) {
        fail_for_good();
    }
}

SectorMask Device::Core::free_sectors(WindowIndex window) {
    if (stripe_of(window).staged.count(window.value) != 0) return {};
    const auto map = plain_map(window);
    if (!map) return {};
    const SectorMask whole =
        sector_range(0, geometry_.blocks_in_window(window) * sectors_per_block);
    return whole & ~sectors_in_place(plan_of(*map));
}

void Device::Core::collect(Commit& commit) {
    for (Stripe& stripe : stripes_) {
        for (const auto& [index, staged] : stripe.staged) {
            ChangedWindow changed{{index}, &staged, {}, {}};
            map_of(staged.plan, geometry_.blocks_in_window({index})).encode(changed.after);
            changed.sectors = changed_sectors(*store_, window_at_byte({index}), staged);
            commit.windows.push_back(std::move(changed));
        }
    }
    std::sort(commit.windows.begin(), commit.windows.end(),
              [](const ChangedWindow& a, const ChangedWindow& b) { return a.window < b.window; });
}

void Device::Core::append(RedoWriter& writer, const ChangedWindow& changed) {
    const ChangedSectors& sectors = changed.sectors;
    std::array<std::byte, redo_window_bytes> head{};
    encode_redo_window({changed.window, changed.staged->before, changed.after,
                        static_cast<std::uint32_t>(sectors.pieces.size())},
                       head);
    writer.append(head);
    for (const ChangedSectors::Piece& piece : sectors.pieces) {
        std::array<std::byte, redo_piece_bytes> place{};
        encode_redo_piece(piece.place, place);
        writer.append(place);
    }
    for (const std::uint32_t hash : sectors.old_hashes) {
        std::array<std::byte, redo_hash_bytes> bytes{};
        encode_redo_hash(hash, bytes);
        writer.append(bytes);
    }
    for (const ChangedSectors::Piece& piece : sectors.pieces) {
        if (piece.place.kind == RedoPiece::Kind::written) writer.append(piece.bytes);
    }
}

void Device::Core::write_redo(Commit& commit) {
    try {
        // A reader may have the hole between two payloads in the same read.
        const auto write = [this](SectorRun run, ByteView bytes) {
            const WindowIndex window{(run.at_byte() - geometry_.data_at_byte()) / window_bytes};
            const std::unique_lock lock(stripe_of(window).mutex);
            to_punch_.add(window);
            store_->write_at(run.at_byte(), bytes);
        };
        RedoWriter writer([this] { return space_.take(); }, write);
        for (const ChangedWindow& changed : commit.windows)
            append(writer, changed);
        writer.finish(commit.intent);
        counters_.journal += writer.written_bytes();
    } catch (...) {
        // Nothing but holes was written: the commit can be tried again. It will tell what stands in
        // them, so what was written there has to be durable by then.
        holes_unsynced_ = true;
        space_.untake();
        throw;
    }
}

void Device::Core::write_intent(const Commit& commit) {
    AlignedBuffer sector(sector_bytes);
    encode_intent(commit.intent, sector.first(sector_bytes).first<sector_bytes>());
    try {
        intent_pending_ = true;
        store_->write_at(intent_slot_at_byte(intent_slot_of(commit.intent.generation)),
                         sector.view());
    } catch (...) {
        fail_for_good();
    }
    generation_ = commit.intent.generation;
    sync_store();
    counters_.journal += sector_bytes;
    ++counters_.commits;
}

// Writes what is held in place; readers of a window wait meanwhile.
void Device::Core::apply(const Commit& commit) {
    try {
        for (const ChangedWindow& changed : commit.windows) {
            Stripe& stripe = stripe_of(changed.window);
            const std::unique_lock lock(stripe.mutex);
            const std::uint64_t at = window_at_byte(changed.window);
            for (const ChangedSectors::Piece& piece : changed.sectors.pieces) {
                if (piece.place.kind == RedoPiece::Kind::kept) continue;
                store_->write_at(at + piece.place.offset_bytes(), piece.bytes);
                counters_.compressed += piece.bytes.size();
            }
            meta_.set(changed.window, changed.after);
            stripe.staged.erase(changed.window.value);
            to_punch_.add(changed.window);
        }
    } catch (...) {
        fail_for_good();
    }
}

void Device::Core::write_meta() {
    try {
        counters_.meta += meta_.write_dirty();
    } catch (...) {
        fail_for_good();
    }
}

// No room for a redo stream: in place, in the order that does the least harm.
void Device::Core::commit_unprotected(Commit& commit) {
    forget_intents();
    apply(commit);
    sync_store();
    write_meta();
    sync_store();
    ++counters_.unprotected;
}

void Device::Core::forget_intents() {
    if (!intent_pending_) return;
    try {
        clear_intents(*store_);
    } catch (...) {
        fail_for_good();
    }
    intent_pending_ = false;
    space_.release_current();
}

// The sync that makes the first intent durable does so with the stamp. Where only one of the two is
// on the medium, nothing was acknowledged yet, and nothing applied.
void Device::Core::stamp_bitmap() {
    if (stamp_ != 0) return;
    const std::uint64_t stamp = random_stamp();
    write_stamp(stamp);
    stamp_ = stamp;
}

void Device::Core::write_stamp(std::uint64_t stamp) {
    std::array<std::byte, sizeof stamp> bytes{};
    encode_stamp(stamp, bytes);
    meta_.set_stamp(ByteView(bytes).first(stamp_place(geometry_).bytes));
    counters_.meta += meta_.write_dirty();
}

// Commits everything that is staged. The caller has commit_mutex_.
void Device::Core::commit_staged() {
    check_failed();
    stamp_bitmap();
    // The bulk of direct payloads goes to the medium while writers go on.
    if (holes_unsynced_) sync_store();
    const ClosedGate closed(gate_);
    const std::uint64_t sequence = written_sequence_;
    Commit commit;
    collect(commit);
    if (!commit.windows.empty()) {
        if (space_.sufficient()) {
            commit.intent.generation = generation_ + 1;
            commit.intent.data_blocks = geometry_.data_blocks();
            commit.intent.stamp = stamp_;
            write_redo(commit);
            if (holes_unsynced_) sync_store();
            write_intent(commit);
            apply(commit);
            write_meta();
            space_.make_current();
        } else {
            commit_unprotected(commit);
        }
        space_.reset_used();
        space_.refill(RedoSpace::windows_a_commit);
    }
    durable_sequence_ = sequence;
}

void Device::Core::commit(std::uint64_t sequence) {
    const std::lock_guard lock(commit_mutex_);
    check_failed();
    // Somebody else's commit may have covered it.
    if (durable_sequence_ < sequence) commit_staged();
}

void Device::Core::commit_all() {
    commit(written_sequence_);
}

void Device::Core::finish_request(Durability durability) {
    if (durability == Durability::fua || options_.policy == CommitPolicy::writethrough) {
        commit_all();
    }
}

void Device::Core::close() {
    stop_commits();
    if (options_.access == Access::read) return;
    commit_all();
    {
        const std::lock_guard lock(commit_mutex_);
        check_failed();
        const ClosedGate closed(gate_);
        forget_intents();
        if (stamp_ != 0) write_stamp(0);
        sync_store();
    }
    punch_holes([] { return false; });
}

}  // namespace insitu
