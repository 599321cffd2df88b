// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <thread>
#include <utility>

namespace insitu {

// A thread that is waited for where it goes out of scope. std::jthread is not in every library.
class JoiningThread {
  public:
    JoiningThread() = default;
    explicit JoiningThread(std::function<void()> work) : thread_(std::move(work)) {}
    JoiningThread(JoiningThread&&) = default;
    JoiningThread& operator=(JoiningThread&& other) noexcept {
        join();
        thread_ = std::move(other.thread_);
        return *this;
    }
    ~JoiningThread() { join(); }

    void join() {
        if (thread_.joinable()) thread_.join();
    }

  private:
    std::thread thread_;
};

}  // namespace insitu
