// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>

#include "insitu/internal/engine/control.hpp"

namespace insitu {

// Behind for_each() and for_each_in_order(), which alone use it: the bookkeeping of workers that
// take items in rising order. Items are numbered as they are taken; after a failure no new item is
// handed out, and since all lower ones have been, the lowest failure is the same on each run.
class OrderedRun {
  public:
    using Ticket = std::uint64_t;

    explicit OrderedRun(const StopFlag* stop) noexcept : stop_(stop) {}

    // Runs `take` (one caller at a time) unless the run has failed, ended or been stopped.
    bool take(const std::function<bool()>& take_item, Ticket& ticket);
    void fail(Ticket ticket, std::exception_ptr error) noexcept;

    // Waits until every item with a lower ticket has ended its turn. False: one of them failed, and
    // this item has no turn.
    bool await_turn(Ticket ticket);
    void end_turn(Ticket ticket);

    // After the join: throws the lowest failure, or `cancelled` where a stop was asked for.
    void finish() const;

  private:
    static constexpr Ticket none = std::numeric_limits<Ticket>::max();

    const StopFlag* stop_;
    std::mutex mutex_;
    std::condition_variable turned_;
    Ticket next_ticket_ = 0;
    Ticket turn_ = 0;
    Ticket failed_ticket_ = none;
    std::exception_ptr error_;
    bool ended_ = false;
};

}  // namespace insitu
