// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "device/commit_turn.hpp"
#include "device/cut_history.hpp"
#include "device/staging.hpp"
#include "device/window_queue.hpp"
#include "journal/redo_stream.hpp"
#include "journal/sector_evidence.hpp"

namespace insitu {

// How staged windows reach the medium: docs/crash-safety.md, "How a commit goes". One commit at a
// time; readers and writers go on meanwhile. A window whose plan is being written is `committing`:
// what is written to it then is for the next commit. Much that is staged is committed in parts, so
// that who waits for room waits for one part.
class Committer {
  public:
    Committer(Medium& medium, Staging& staging, RedoSpace& space, const DeviceOptions& options,
              AtomicCounters& counters);

    // Makes everything durable that had been staged when the sequence was read. Throws what keeps
    // it from that; everything stays staged then.
    void commit(std::uint64_t sequence);
    void commit_all() { commit(staging_.sequence()); }
    // Commits a part of what is staged, or waits until somebody else has. The caller looks whether
    // it now has the room that it needs, and if not, comes again.
    void make_room();
    bool is_durable(std::uint64_t sequence) const noexcept { return durable_sequence_ >= sequence; }
    bool intent_pending() const noexcept { return intent_pending_; }
    // Throws the failure after which nobody knows what is on the medium.
    void check_failed();

    // Looks for holes that the journal can use.
    void search_holes(std::uint64_t most_windows,
                      std::uint64_t most_again = RedoSpace::windows_of_another_tour);
    // Clears the intents if everything is durable: the image is an ordinary one.
    void clean_if_durable();
    void close();
    // Puts the extents of a window together if that saves space. False: it does not.
    bool compact(WindowIndex window);
    // Gives the host back what is in the holes of the next window that has some. False: none is
    // left, or an intent is pending.
    bool punch_next();

  private:
    struct ChangedWindow {
        WindowIndex window;
        StagedWindow* staged = nullptr;
        std::uint64_t reserved_bytes = 0;
        WindowMeta after{};
        ChangedSectors sectors;
        bool is_equal = false;  // to what is on the medium
    };
    using ChangedWindows = std::vector<ChangedWindow>;
    using Part = std::span<ChangedWindow>;

    struct WaitingWindow {
        WindowIndex window;
        std::uint64_t reserved_bytes = 0;
    };
    using Waiting = std::span<const WaitingWindow>;

    // What is to be written in place: its intent is on the medium, or it has none.
    struct InPlace {
        ChangedWindows windows;
        bool has_intent = false;
    };

    [[noreturn]] void fail_for_good();
    [[noreturn]] void fail_unless_it_passes();
    void go_on();
    void commit_staged();
    void commit_windows(Waiting windows);
    std::vector<WaitingWindow> staged_windows();
    std::size_t part_of(Waiting windows) const;
    void fold_all(Waiting windows, ChangedWindows& changed);
    std::optional<ChangedWindow> fold(WindowIndex window);
    void compare_with_medium(ChangedWindow& changed) const;
    void merge_dirty(WindowIndex window, StagedWindow& staged, Workspace& workspace);
    void remember(WindowIndex window, const DirtyBlocks& dirty);
    void adopt(WindowIndex window, StagedWindow& staged, WindowPlan plan);
    void unstage(WindowIndex window);
    void abort(Part part);
    void offer_own_holes(Part part);
    void write_all(ChangedWindows& changed);
    void write_protected(Part part);
    void write_unprotected(Part part);
    void write_redo(Part part, Intent& intent);
    void write_intent(const Intent& intent);
    static InPlace prepare_in_place(Part part);
    void put_in_place(InPlace next, Part part, bool has_intent);
    void finish_in_place();
    void apply(Part part);
    void write_meta();
    void forget_intents();
    void offer_holes(const std::vector<WindowIndex>& windows);
    void offer_holes(WindowIndex window);
    void stamp_bitmap();
    void write_stamp(std::uint64_t stamp);
    void sync_store();

    Medium& medium_;
    Staging& staging_;
    RedoSpace& space_;
    const DeviceOptions& options_;
    AtomicCounters& counters_;
    AlignedBuffer redo_buffer_{RedoWriter::buffer_bytes};
    AlignedBuffer intent_sector_{sector_bytes};
    WindowQueue to_punch_;
    CutHistory cuts_;

    CommitTurn turn_;
    std::optional<InPlace> in_place_;  // something keeps it from its place
    WindowIndex next_part_{0};         // what make_room() commits first
    std::atomic<std::uint64_t> durable_sequence_{0};
    std::uint64_t generation_ = 0;  // of the last intent
    std::uint64_t stamp_ = 0;       // of the bitmap; 0: not yet
    std::atomic<bool> intent_pending_{false};
    bool warned_unprotected_ = false;
    // What is in holes may not be durable: direct payloads, what was discarded, what a killed
    // device left. An intent says what it will replace, so they are synced before.
    std::atomic<bool> holes_unsynced_{true};
    std::mutex failure_mutex_;
    std::exception_ptr failure_;
};

}  // namespace insitu
