// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/for_each.hpp"

#include <atomic>
#include <stdexcept>
#include <vector>

#include "insitu/error.hpp"
#include "support/catch.hpp"

using namespace insitu;

namespace {

// Hands out 0 .. count - 1.
auto count_up(int& next, int count) {
    return [&next, count](int& item) {
        if (next >= count) return false;
        item = next++;
        return true;
    };
}

}  // namespace

TEST_CASE("every item is worked on once, by any number of threads") {
    for (const unsigned threads : {1U, 2U, 7U}) {
        std::vector<std::atomic<int>> seen(1000);
        int next = 0;
        for_each<int>({.threads = threads}, count_up(next, 1000),
                      [&] { return [&](int item) { ++seen[static_cast<std::size_t>(item)]; }; });
        for (const auto& times : seen)
            REQUIRE(times == 1);
    }
}

TEST_CASE("the failure of the lowest item is the one that is told") {
    for (int round = 0; round < 50; ++round) {
        int next = 0;
        try {
            for_each<int>({.threads = 7}, count_up(next, 1000), [&] {
                return [](int item) {
                    if (item >= 100) throw std::runtime_error(std::to_string(item));
                };
            });
            FAIL("no failure was told");
        } catch (const std::runtime_error& error) {
            REQUIRE(std::string(error.what()) == "100");
        }
    }
}

TEST_CASE("turns come in the order of the items") {
    std::vector<int> order;
    int next = 0;
    for_each_in_order<int>({.threads = 5}, count_up(next, 500), [&] {
        return OrderedWorker{std::make_unique<int>(),
                             [](int& twice, int item) { twice = 2 * item; },
                             [&](int& twice, int item) {
                                 REQUIRE(twice == 2 * item);
                                 order.push_back(item);
                             }};
    });
    REQUIRE(order.size() == 500);
    for (int i = 0; i < 500; ++i)
        REQUIRE(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a failure sets those free who wait for their turn") {
    int next = 0;
    std::atomic<int> told = 0;
    const auto fail_at_three = [&] {
        return OrderedWorker{std::make_unique<int>(),
                             [](int&, int item) {
                                 if (item == 3) throw std::logic_error("three");
                             },
                             [&](int&, int) { ++told; }};
    };
    CHECK_THROWS_AS(for_each_in_order<int>({.threads = 4}, count_up(next, 100), fail_at_three),
                    std::logic_error);
    CHECK(told == 3);
}

TEST_CASE("a stop ends the run as cancelled") {
    StopFlag stop;
    int next = 0;
    try {
        for_each<int>({.threads = 2, .stop = &stop}, count_up(next, 1000), [&] {
            return [&](int item) {
                if (item == 10) stop.request();
            };
        });
        FAIL("the run was not cancelled");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::cancelled);
    }
    CHECK(next < 1000);
}

TEST_CASE("a failure of the source of items is told") {
    CHECK_THROWS_AS(for_each<int>(
                        {.threads = 3}, [](int&) -> bool { throw std::runtime_error("source"); },
                        [] { return [](int) {}; }),
                    std::runtime_error);
}
