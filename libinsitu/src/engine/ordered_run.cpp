// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/ordered_run.hpp"

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"

namespace insitu {

bool OrderedRun::take(const std::function<bool()>& take_item, Ticket& ticket) {
    const std::lock_guard guard(mutex_);
    if (ended_ || failed_ticket_ != none || is_stopped(stop_)) return false;
    // Numbered before it is taken: a failing take counts as a failure of this very item.
    ticket = next_ticket_++;
    if (take_item()) return true;
    ended_ = true;
    return false;
}

void OrderedRun::fail(Ticket ticket, std::exception_ptr error) noexcept {
    {
        const std::lock_guard guard(mutex_);
        if (failed_ticket_ == none || ticket < failed_ticket_) {
            failed_ticket_ = ticket;
            error_ = std::move(error);
        }
    }
    turned_.notify_all();
}

bool OrderedRun::await_turn(Ticket ticket) {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [&] { return turn_ == ticket || failed_ticket_ < ticket; });
    return turn_ == ticket;
}

void OrderedRun::end_turn(Ticket ticket) {
    {
        const std::lock_guard guard(mutex_);
        turn_ = ticket + 1;
    }
    turned_.notify_all();
}

void OrderedRun::finish() const {
    if (error_) std::rethrow_exception(error_);
    throw_if_stopped(stop_);
}

}  // namespace insitu
