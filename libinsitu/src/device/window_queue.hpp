// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <mutex>
#include <optional>
#include <set>

#include "insitu/units.hpp"

namespace insitu {

// Windows that are to be looked at some time, each once. Takes no new ones where it is full (2
// MiB). Thread-safe.
class WindowQueue {
  public:
    void add(WindowIndex window) {
        const std::lock_guard lock(mutex_);
        if (windows_.size() < most_windows) windows_.insert(window);
    }
    // The lowest one.
    std::optional<WindowIndex> take() {
        const std::lock_guard lock(mutex_);
        if (windows_.empty()) return std::nullopt;
        const WindowIndex window = *windows_.begin();
        windows_.erase(windows_.begin());
        return window;
    }

  private:
    static constexpr std::size_t most_windows = 32768;
    std::mutex mutex_;
    std::set<WindowIndex> windows_;
};

}  // namespace insitu
