#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "insitu/engine/control.hpp"

namespace insitu {

// The bookkeeping of workers that take items in rising order. Items are numbered as they are
// taken; after a failure no new item is handed out, and since all lower ones have been, the lowest
// failure is the same on each run.
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

// Calls make_worker() once a thread; the result is called as worker(item, ticket, run) for each
// item that take(item) hands out. Returns when all is done; rethrows the error of the lowest item.
template <class Item, class Take, class MakeWorker>
void run_in_order(const Control& control, Take take, MakeWorker make_worker) {
    OrderedRun run(control.stop);
    const auto work = [&] {
        OrderedRun::Ticket ticket = 0;
        try {
            auto worker = make_worker();
            Item item{};
            while (run.take([&] { return take(item); }, ticket))
                worker(item, ticket, run);
        } catch (...) {
            run.fail(ticket, std::current_exception());
        }
    };
    const unsigned threads = control.threads != 0 ? control.threads : available_processors();
    if (threads == 1) {
        work();
    } else {
        std::vector<std::jthread> pool;
        pool.reserve(threads);
        for (unsigned i = 0; i < threads; ++i)
            pool.emplace_back(work);
    }
    run.finish();
}

}  // namespace insitu
