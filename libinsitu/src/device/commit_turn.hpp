// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace insitu {

// Whose turn it is to commit. Who has it tells others when a part is done, so that they need not
// wait for the whole. Thread-safe.
class CommitTurn {
  public:
    class Holder {
      public:
        Holder(CommitTurn& turn, std::unique_lock<std::mutex> lock)
            : turn_(&turn), lock_(std::move(lock)) {}
        Holder(Holder&& other) noexcept : turn_(other.turn_), lock_(std::move(other.lock_)) {}
        Holder& operator=(Holder&&) = delete;
        Holder(const Holder&) = delete;
        ~Holder() {
            if (!lock_) return;
            lock_.unlock();
            turn_->part_is_done();
        }

      private:
        CommitTurn* turn_;
        std::unique_lock<std::mutex> lock_;
    };

    Holder take() { return Holder(*this, std::unique_lock(mutex_)); }
    // The turn, if nobody has it; otherwise waits until a part is done, or the turn is over.
    std::optional<Holder> take_or_wait() {
        std::unique_lock parts_lock(parts_mutex_);
        const std::uint64_t seen = parts_;
        std::unique_lock lock(mutex_, std::try_to_lock);
        if (lock) return Holder(*this, std::move(lock));
        changed_.wait(parts_lock, [&] { return parts_ != seen; });
        return std::nullopt;
    }
    void part_is_done() {
        {
            const std::lock_guard lock(parts_mutex_);
            ++parts_;
        }
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;  // of the turn
    std::mutex parts_mutex_;
    std::condition_variable changed_;
    std::uint64_t parts_ = 0;
};

}  // namespace insitu
