#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "insitu/engine/control.hpp"

namespace insitu::apps {

enum class ProgressMode { automatic, always, never, json };

// Shows how far the work has come on stderr: a bar on a terminal, or one JSON object a line.
// SIGUSR1 makes any mode print one line. A thread of its own draws, workers only add to a counter.
class ProgressBar final : public Progress {
  public:
    ProgressBar(std::string tool, ProgressMode mode);
    // Takes the bar off the terminal.
    ~ProgressBar() override;
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void begin(std::uint64_t total_bytes) noexcept override;
    void advance(std::uint64_t done_bytes) noexcept override;
    void syncing() noexcept override;

    // To be called from the handler of SIGUSR1.
    static void request_line() noexcept;

  private:
    void draw_until_stopped(const std::stop_token& stop);
    void draw_bar();
    void write_json(const char* event);
    std::string status_line(std::size_t width) const;
    double seconds() const;

    std::string tool_;
    bool bar_;
    bool json_;
    std::atomic<std::uint64_t> total_bytes_{0};
    std::atomic<std::uint64_t> done_bytes_{0};
    std::atomic<bool> syncing_{false};
    std::chrono::steady_clock::time_point start_;
    bool drawn_ = false;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;
};

}  // namespace insitu::apps
