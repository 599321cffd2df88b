// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <system_error>
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

    // Null where the system gives no more threads (a limit of the user or of the service).
    static JoiningThread if_possible(std::function<void()> work) {
        try {
            return JoiningThread(std::move(work));
        } catch (const std::system_error&) {
            return {};
        }
    }

    explicit operator bool() const noexcept { return thread_.joinable(); }
    void join() {
        if (thread_.joinable()) thread_.join();
    }

  private:
    std::thread thread_;
};

}  // namespace insitu
