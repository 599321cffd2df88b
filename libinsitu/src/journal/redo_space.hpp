// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/intent.hpp"
#include "window/plan.hpp"

namespace insitu {

// Where the next redo stream may go: runs of sectors in holes, set aside before they are needed, so
// that a commit finds room. Three kinds of runs: those of the current stream (nobody may touch
// them), those set aside, and those taken for the stream that is being written.
//
// What it admits is counted twice over: `used` for what waits for a commit, and `committing` for
// what a commit is writing, while others are admitted for the next one. Thread-safe; it calls
// nobody.
class RedoSpace {
  public:
    // At most `limit_bytes` wait for a commit.
    RedoSpace(const Geometry& geometry, std::uint64_t limit_bytes);

    // Looks for holes: begin_search(), then offer() for each window that next_candidate() names,
    // then end_search(). `most_windows` are looked at, none if there is room enough, and
    // `most_again` if all were: what becomes free later is offered as it does.
    static constexpr std::uint64_t windows_at_open = std::uint64_t{1} << 20;
    static constexpr std::uint64_t windows_a_commit = 8192;
    static constexpr std::uint64_t windows_of_another_tour = 64;
    void begin_search(std::uint64_t most_windows,
                      std::uint64_t most_again = windows_of_another_tour);
    std::optional<WindowIndex> next_candidate();
    void end_search();
    // `free`: what of the window's space is a hole on the medium. Nothing of a staged window is
    // taken.
    void offer(WindowIndex window, const SectorMask& free);
    // The same of a window that is in the commit: what neither the medium's map nor its new plan
    // needs. It is lent to this commit's streams alone: what is admitted meanwhile does not count
    // on it. withdraw() takes it back if the window stays staged.
    void offer_committing(WindowIndex window, const SectorMask& free);
    void withdraw(WindowIndex window) noexcept;

    // Only the journal protects blocks that nobody wrote to, where a commit writes over their
    // extents: it is `required` then, or `wanted` where the user lets writes go without.
    enum class Journal { needless, wanted, required };
    // What a change of a window asks for.
    struct Change {
        WindowIndex window;
        // Since the last commit: from here on the holes of the window are not to be used.
        bool first_change = false;
        std::uint64_t bytes = 0;      // that the commit has to journal for it, at most
        std::uint64_t all_bytes = 0;  // the same of all changes of the window that wait
        Journal journal = Journal::required;
    };
    enum class Admission {
        admitted,
        admitted_risky,  // there is room now: it is to be committed before the next change
        commit_first,    // not admitted: what waits is to be committed before
        no_room,         // not admitted, and no commit makes room for it
    };
    // Makes sure that the commit of a change finds room, and counts its bytes as used. What was
    // admitted keeps its room, whatever is asked for later. While there is hardly any room, changes
    // for which the journal is not required are admitted without.
    Admission admit(const Change& change);
    // What was admitted and is not needed after all.
    void release(std::uint64_t bytes);
    // The window is not staged any more: its holes may be offered again.
    void unstaged(WindowIndex window) noexcept;
    // So many used bytes go into the commit that has begun.
    void move_to_commit(std::uint64_t bytes);
    // So many bytes of it are committed, or wait again.
    void committed(std::uint64_t bytes);
    void aborted(std::uint64_t bytes);

    std::uint64_t limit_bytes() const noexcept { return limit_bytes_; }
    // What waits for a commit, and what one is writing.
    std::uint64_t waiting_bytes() const;
    bool cramped() const;
    // Room for a stream that is written now.
    std::uint64_t room_bytes() const;

    // What the current stream occupies of a window.
    SectorMask current(WindowIndex window) const;

    SectorRun take();
    // The stream was not written after all.
    void untake() noexcept;
    // The stream taken is the current one. Returns the windows of the one before, whose holes may
    // be offered again. Throws std::bad_alloc, and has changed nothing then.
    std::vector<WindowIndex> make_current();
    // There is no current stream any more; the same.
    std::vector<WindowIndex> release_current();

  private:
    // Runs by window, and the bytes of a stream that go into them.
    struct Runs {
        std::map<std::uint64_t, std::vector<SectorRun>> by_window;
        std::uint64_t room_bytes = 0;

        std::uint64_t room_of(WindowIndex window) const;
        void set(WindowIndex window, std::vector<SectorRun> runs) noexcept;
        std::vector<SectorRun> drop(WindowIndex window) noexcept;
        SectorRun take();
    };
    std::vector<SectorRun> runs_of(WindowIndex window, const SectorMask& holes) const;
    std::uint64_t most_room_without(WindowIndex window) const;
    void use(const Change& change);
    void see_whether_all_is_done();
    WindowIndex window_at(SectorRun run) const;
    std::uint64_t first_sector_of(WindowIndex window) const;
    std::vector<WindowIndex> set_current(std::vector<SectorRun>& runs);

    Geometry geometry_;
    std::uint64_t limit_bytes_;   // that may be used
    std::uint64_t wanted_bytes_;  // of room: what is staged takes holes away
    std::uint64_t cursor_;        // the window that is looked at next, downwards
    std::uint64_t budget_ = 0;    // windows that this search may still look at
    std::uint64_t unseen_;        // windows that were not looked at in this tour of the device

    mutable std::mutex mutex_;
    std::unordered_set<std::uint64_t> staged_;
    Runs aside_;
    Runs lent_;  // of windows that are in the commit
    std::uint64_t used_bytes_ = 0;
    std::uint64_t committing_bytes_ = 0;
    bool cramped_ = false;
    bool scarce_ = false;         // short holes are used, too
    bool room_promised_ = false;  // to something that waits

    std::vector<SectorRun> taken_;
    std::vector<SectorRun> current_;
    std::unordered_map<std::uint64_t, SectorMask> current_masks_;
};

}  // namespace insitu
