// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/cut_history.hpp"

#include <memory>

#include "support/catch.hpp"

using namespace insitu;

TEST_CASE("windows that were cut are known, others are not") {
    const auto cuts = std::make_unique<CutHistory>();
    cuts->add({5});
    cuts->add({5});
    CHECK(cuts->was_cut({5}));
    CHECK_FALSE(cuts->was_cut({4}));
    CHECK_FALSE(cuts->was_cut({5 + 64}));
    // Of a device of 16 TiB.
    const WindowIndex last{(std::uint64_t{1} << 27) - 1};
    CHECK_FALSE(cuts->was_cut(last));
    cuts->add(last);
    CHECK(cuts->was_cut(last));
}

TEST_CASE("a history that is half full begins again") {
    const auto cuts = std::make_unique<CutHistory>();
    constexpr std::uint64_t half = std::uint64_t{1} << 17;
    for (std::uint64_t i = 0; i < half; ++i)
        cuts->add({2 * i});
    CHECK(cuts->was_cut({0}));
    cuts->add({1});
    CHECK_FALSE(cuts->was_cut({0}));
    cuts->add({3});
    CHECK(cuts->was_cut({3}));
}
