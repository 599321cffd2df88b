// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <shared_mutex>
#include <unordered_map>

#include "device/medium.hpp"
#include "journal/redo_space.hpp"
#include "window/dirty_blocks.hpp"

namespace insitu {

// A window that was written since it was committed last.
struct StagedWindow {
    WindowMeta before{};               // as on the medium
    SectorMask on_medium;              // sectors that `before` needs
    WindowPlan plan;                   // what the blocks that are not dirty read as
    DirtyBlocks dirty;                 // written since the plan was made, and what they cut
    std::uint32_t accounted = 0;       // blocks that the reserved bytes count
    std::uint64_t reserved_bytes = 0;  // of redo space, for what no commit has taken yet
    bool changed = false;              // the plan is another one than on the medium
    bool committing = false;           // a commit writes the plan: it does not change meanwhile
};

// What a stream holds of a window besides its payloads, at most; and with them.
inline constexpr std::uint64_t window_overhead_bytes =
    redo_window_bytes + longest_run_sectors * (redo_piece_bytes + redo_hash_bytes);
inline constexpr std::uint64_t worst_window_bytes = window_bytes + window_overhead_bytes;

// The requests' side of a device: what they write is kept as content, by windows, until a commit
// takes it. Nothing is encoded or written here. Locks, in the order in which they are taken: a
// stripe, then the mutexes of RedoSpace, MetaCache and ContentCache. A window belongs to one of 256
// stripes: who reads it holds the stripe shared, who changes what it reads as holds it alone.
class Staging {
  public:
    struct Stripe {
        std::shared_mutex mutex;
        std::unordered_map<std::uint64_t, StagedWindow> staged;
    };

    Staging(Medium& medium, RedoSpace& space, const DeviceOptions& options)
        : medium_(medium), space_(space), options_(options) {}

    // Whole blocks of one window.
    void read(const WindowPart& part, ByteSpan output, Workspace& space);
    // Null content: zeros. Throws `damaged` and `io` Errors if what is written in part cannot be
    // read, and a `refused` one of ENOSPC if a commit could not be protected and is not to be done
    // unprotected.
    enum class Result {
        staged,
        commit_first,  // nothing was changed: there is no room
        commit_now,    // the room that protects it may be gone with the next change
    };
    Result write(const WindowPart& part, const std::byte* content);
    // Makes sure that a window is staged, for a change of its plan. The caller has its stripe.
    // It is not if the answer is `commit_first` or `no_room`.
    RedoSpace::Admission stage_for_change(WindowIndex window);
    // What a part of a window is: visit(first block, blocks, mapped).
    using VisitRun = std::function<void(BlockIndex first, std::uint64_t blocks, bool mapped)>;
    void map(const WindowPart& part, const VisitRun& visit);

    Stripe& stripe_of(WindowIndex window) { return stripes_[window.value % stripe_count]; }
    std::array<Stripe, 256>& stripes() noexcept { return stripes_; }
    // Counts every change; a flush waits for what it finds here.
    std::uint64_t sequence() const noexcept { return sequence_; }
    void count_change() noexcept { ++sequence_; }
    // Where the content of dirty blocks has its memory.
    BlockPool& blocks() noexcept { return blocks_; }
    // The sectors of a window that hold nothing, if it is not staged; none otherwise. The caller
    // has its stripe.
    SectorMask holes(WindowIndex window);

  private:
    static constexpr std::size_t stripe_count = 256;
    class NewWindow;
    StagedWindow stage(const WindowPart& part);
    bool is_unmapped(const WindowPart& part);
    std::uint64_t cost_of(const StagedWindow& staged, const WindowPart& part,
                          const std::byte* content, std::uint32_t& accounted) const;
    std::uint32_t read_touched(const StagedWindow& staged, const WindowPart& part,
                               std::optional<Workspaces::Loan>& workspace);
    bool needs_journal(const StagedWindow& staged, const WindowPart& part) const;
    RedoSpace::Journal journal_for(const StagedWindow& staged, const WindowPart& part) const;
    [[noreturn]] void refuse_unprotected(const WindowPart& part) const;

    Medium& medium_;
    RedoSpace& space_;
    const DeviceOptions& options_;
    BlockPool blocks_;
    std::array<Stripe, stripe_count> stripes_;
    std::atomic<std::uint64_t> sequence_{0};
};

}  // namespace insitu
