// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>

namespace insitu::nbd {

// Every request meets a full disk: whoever reads the log hears of it once. Thread-safe.
class FullDisk {
  public:
    bool is_news() noexcept { return !said_.exchange(true); }
    void is_over() noexcept { said_ = false; }

  private:
    std::atomic<bool> said_{false};
};

}  // namespace insitu::nbd
