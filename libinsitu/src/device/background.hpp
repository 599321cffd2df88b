// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "device/committer.hpp"
#include "device/staging.hpp"

namespace insitu {

// The thread that commits every commit delay, and uses the time in which nothing is asked for.
class Background {
  public:
    Background(Committer& committer, Staging& staging, const DeviceOptions& options,
               AtomicCounters& counters)
        : committer_(committer), staging_(staging), options_(options), counters_(counters) {}
    ~Background() { stop(); }
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    void start();
    void stop();
    // Commits soon: much is waiting.
    void wake();
    void written(WindowIndex window);
    void do_idle_work();

  private:
    struct Activity {  // what had happened when it was last looked at
        std::uint64_t requests = 0;
        std::uint64_t sequence = 0;
    };
    void run();
    void work(Activity& seen);
    void compact(const std::function<bool()>& stop);
    void punch(const std::function<bool()>& stop);
    bool stopping();
    std::uint64_t requests() const noexcept { return counters_.reads + counters_.writes; }

    Committer& committer_;
    Staging& staging_;
    const DeviceOptions& options_;
    AtomicCounters& counters_;
    WindowQueue to_compact_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stop_ = false;
    bool commit_soon_ = false;
    std::thread thread_;
};

}  // namespace insitu
