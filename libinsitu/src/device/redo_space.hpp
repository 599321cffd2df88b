#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "insitu/format/geometry.hpp"
#include "insitu/format/intent.hpp"

namespace insitu {

// The sectors of a window's space.
using SectorMask = std::bitset<longest_run_sectors>;

// Where the next redo stream may go: runs of sectors in holes, set aside before they are needed, so
// that a commit never finds itself without room. Three kinds of runs: those of the current stream
// (nobody may touch them), those set aside, and those taken for the stream that is being written.
//
// admit(), adjust() and current() are thread-safe among each other; all else is for the one that
// has the gate closed.
class RedoSpace {
  public:
    // `free_sectors` tells what of a window's space is a hole on the medium; none of it where the
    // window may not be used.
    using FreeSectors = std::function<SectorMask(WindowIndex)>;
    RedoSpace(const Geometry& geometry, std::uint64_t limit_bytes, FreeSectors free_sectors);

    // Sets more runs aside, looking at no more than this many windows.
    static constexpr std::uint64_t windows_at_open = std::uint64_t{1} << 20;
    static constexpr std::uint64_t windows_a_commit = 8192;
    void refill(std::uint64_t most_windows);

    // Makes sure that `bytes` more can be journalled and counts them as used. `newly`: the window
    // was not staged before, so that its holes are no longer to be used. False: commit first. Where
    // nothing waits for a commit it is true in any case, and sufficient() may be false then.
    bool admit(WindowIndex window, bool newly, std::uint64_t bytes);
    // Corrects what admit() counted.
    void adjust(std::int64_t bytes);

    // Whether a stream with all that is used has room.
    bool sufficient() const;

    // What the current stream occupies of a window.
    SectorMask current(WindowIndex window) const;

    SectorRun take();
    // The stream was not written after all.
    void untake();
    // The stream taken is the current one; what was current before is free again, if it is a hole.
    void make_current();
    // There is no current stream any more.
    void release_current();
    // Everything staged has been committed.
    void reset_used();

  private:
    void drop(WindowIndex window);
    void offer(WindowIndex window);
    std::uint64_t room_of(WindowIndex window) const;
    WindowIndex window_at(SectorRun run) const;
    std::uint64_t first_sector_of(WindowIndex window) const;
    void set_current(std::vector<SectorRun> runs);

    Geometry geometry_;
    std::uint64_t limit_bytes_;   // that may be used
    std::uint64_t wanted_bytes_;  // of room: what is staged takes holes away
    FreeSectors free_sectors_;
    std::uint64_t cursor_;  // the window that refill() looks at next, downwards

    mutable std::mutex mutex_;
    std::map<std::uint64_t, std::vector<SectorRun>> aside_;
    std::uint64_t room_bytes_ = 0;
    std::uint64_t used_bytes_ = 0;
    bool cramped_ = false;

    std::vector<SectorRun> taken_;
    std::vector<SectorRun> current_;
    std::unordered_map<std::uint64_t, SectorMask> current_masks_;
};

}  // namespace insitu
