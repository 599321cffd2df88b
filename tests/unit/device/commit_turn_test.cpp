// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/commit_turn.hpp"

#include <chrono>
#include <future>

#include "support/catch.hpp"

using namespace insitu;

namespace {

// Whether another thread that asks for the turn gets it.
std::future<bool> ask(CommitTurn& turn) {
    return std::async(std::launch::async, [&turn] { return turn.take_or_wait().has_value(); });
}

bool waits(std::future<bool>& asked) {
    return asked.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout;
}

}  // namespace

TEST_CASE("a turn that nobody has is taken, one after the other") {
    CommitTurn turn;
    CHECK(turn.take_or_wait().has_value());
    CHECK(turn.take_or_wait().has_value());
    CHECK(ask(turn).get());
}

TEST_CASE("who finds the turn taken waits for a part of it, not for its end") {
    CommitTurn turn;
    const auto holder = turn.take();
    auto other = ask(turn);
    CHECK(waits(other));
    // The other thread may be slow to ask: it then waits for the next part.
    while (waits(other))
        turn.part_is_done();
    CHECK_FALSE(other.get());
}

TEST_CASE("the end of a turn is the end of its last part") {
    CommitTurn turn;
    std::future<bool> other;
    {
        const auto holder = turn.take();
        other = ask(turn);
        CHECK(waits(other));
    }
    other.get();
    CHECK(turn.take_or_wait().has_value());
}
