// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>

#include "insitu/internal/api.hpp"

namespace insitu {

// Asks running work to stop. request() may be called from a signal handler.
class StopFlag {
  public:
    void request() noexcept { requested_.store(true, std::memory_order_relaxed); }
    bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }

  private:
    std::atomic<bool> requested_{false};
    static_assert(std::atomic<bool>::is_always_lock_free);
};

// Told how far work has come. Called from any worker thread, often: an implementation adds to a
// counter and returns.
class INSITU_API Progress {
  public:
    virtual ~Progress();
    // `total_bytes` of the logical device are about to be worked on.
    virtual void begin(std::uint64_t total_bytes) noexcept = 0;
    virtual void advance(std::uint64_t done_bytes) noexcept = 0;
    // What remains is waiting for the medium.
    virtual void syncing() noexcept = 0;
};

// How an operation is to run; the pointers may be null and outlive the operation.
struct Control {
    unsigned threads = 0;  // 0: as many as this process may use
    const StopFlag* stop = nullptr;
    Progress* progress = nullptr;

    // What progress is told, if anybody wants to know.
    void begin(std::uint64_t total_bytes) const noexcept {
        if (progress != nullptr) progress->begin(total_bytes);
    }
    void advance(std::uint64_t done_bytes) const noexcept {
        if (progress != nullptr) progress->advance(done_bytes);
    }
    void syncing() const noexcept {
        if (progress != nullptr) progress->syncing();
    }
};

// The processors that this process may use, at least 1.
INSITU_API unsigned available_processors() noexcept;

}  // namespace insitu
