// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/ordered_run.hpp"
#include "insitu/internal/engine/joining_thread.hpp"

namespace insitu {

namespace detail {

// Runs `work_on(worker, item, ticket)` on as many threads as asked for, each with a worker of its
// own.
template <class Item, class Take, class MakeWorker, class WorkOn>
void run_workers(const Control& control, Take take, MakeWorker make_worker, WorkOn work_on) {
    OrderedRun run(control.stop);
    const auto work = [&] {
        OrderedRun::Ticket ticket = 0;
        try {
            auto worker = make_worker();
            Item item{};
            while (run.take([&] { return take(item); }, ticket))
                work_on(worker, item, run, ticket);
        } catch (...) {
            run.fail(ticket, std::current_exception());
        }
    };
    const unsigned threads = control.threads != 0 ? control.threads : available_processors();
    if (threads == 1) {
        work();
    } else {
        std::vector<JoiningThread> pool;
        pool.reserve(threads);
        // If there are fewer threads than asked for, those that there are do the work.
        while (pool.size() < threads) {
            auto thread = JoiningThread::if_possible(work);
            if (!thread) break;
            pool.push_back(std::move(thread));
        }
        if (pool.empty()) work();
    }
    run.finish();
}

}  // namespace detail

// Works on every item that take(item) hands out (one caller at a time, false at the end), in rising
// order and on several threads. make_worker() is called once a thread; its result is called as
// worker(item). Returns when all is done; throws the error of the lowest item that failed, the same
// on each run, or a `cancelled` one.
template <class Item, class Take, class MakeWorker>
void for_each(const Control& control, Take take, MakeWorker make_worker) {
    detail::run_workers<Item>(
        control, std::move(take), std::move(make_worker),
        [](auto& worker, Item& item, OrderedRun&, OrderedRun::Ticket) { worker(item); });
}

// What a thread of for_each_in_order() has: memory of its own, what it does with an item at any
// time, and what it does when it is the item's turn.
template <class State, class Work, class Emit>
struct OrderedWorker {
    std::unique_ptr<State> state;
    Work work;  // work(state, item)
    Emit emit;  // emit(state, item)
};
template <class State, class Work, class Emit>
OrderedWorker(std::unique_ptr<State>, Work, Emit) -> OrderedWorker<State, Work, Emit>;

// The same with make_worker() returning an OrderedWorker: `emit` is called in the order of the
// items, by one thread at a time, and for no item after one that failed.
template <class Item, class Take, class MakeWorker>
void for_each_in_order(const Control& control, Take take, MakeWorker make_worker) {
    detail::run_workers<Item>(
        control, std::move(take), std::move(make_worker),
        [](auto& worker, Item& item, OrderedRun& run, OrderedRun::Ticket ticket) {
            worker.work(*worker.state, item);
            if (!run.await_turn(ticket)) return;
            worker.emit(*worker.state, item);
            run.end_turn(ticket);
        });
}

}  // namespace insitu
