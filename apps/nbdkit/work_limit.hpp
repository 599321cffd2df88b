// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <mutex>

namespace insitu::nbd {

// At most so many requests work at a time; 0: as many as nbdkit has threads.
class WorkLimit {
  public:
    void set(unsigned limit) noexcept { limit_ = limit; }
    void enter() {
        if (limit_ == 0) return;
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return working_ < limit_; });
        ++working_;
    }
    void leave() {
        if (limit_ == 0) return;
        const std::lock_guard lock(mutex_);
        --working_;
        changed_.notify_one();
    }

  private:
    unsigned limit_ = 0;
    unsigned working_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
};

}  // namespace insitu::nbd
