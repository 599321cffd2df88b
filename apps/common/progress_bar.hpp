// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "common/progress_line.hpp"
#include "common/world.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/engine/joining_thread.hpp"

namespace insitu::apps {

enum class ProgressMode { automatic, always, never, json };

// Shows how far the work has come on the errors: a bar on a terminal, or one JSON object a line.
// SIGUSR1 makes any mode print one line (of JSON, where that is the mode). The bar keeps to one row
// whatever the width of the terminal becomes, and is not drawn by a job in the background. A thread
// of its own draws, workers only add to a counter; where there can be none, nothing is drawn.
class ProgressBar final : public Progress {
  public:
    // Lines for the front end of fsck(8), whatever the mode is: "PASS DONE TOTAL DEVICE", as e2fsck
    // writes them.
    struct FsckLines {
        int descriptor = -1;  // -1: none are written
        std::string device;
    };

    // The world outlives it.
    ProgressBar(std::string tool, ProgressMode mode, const World& world,
                FsckLines lines = {-1, {}});
    // Takes the bar off the terminal.
    ~ProgressBar() override;
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void begin(std::uint64_t total_bytes) noexcept override;
    void advance(std::uint64_t done_bytes) noexcept override;
    void syncing() noexcept override;

  private:
    void draw_until_stopped();
    void draw_bar();
    void clear_bar();
    void write_json(const char* event);
    void write_fsck_line(bool is_last);
    void write_line();
    void update_rate();
    ProgressState state() const;

    const World& world_;
    std::string tool_;
    FsckLines lines_;
    bool bar_;
    bool json_;
    std::atomic<std::uint64_t> total_bytes_{0};
    std::atomic<std::uint64_t> done_bytes_{0};
    std::atomic<bool> syncing_{false};
    std::chrono::steady_clock::time_point start_;
    // Of the drawing thread; behind its join, of the destructor.
    std::size_t drawn_columns_ = 0;
    double rate_ = 0;
    double rate_seconds_ = 0;
    std::uint64_t rate_done_bytes_ = 0;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;  // under mutex_
    JoiningThread thread_;
};

}  // namespace insitu::apps
