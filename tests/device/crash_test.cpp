// SPDX-License-Identifier: GPL-2.0-or-later
#include "testing/crash_test.hpp"

#include "support/catch.hpp"
#include "support/random_content.hpp"
#include "support/sanitizer.hpp"

using namespace insitu;
using namespace insitu::test;

TEST_CASE("no cut loses what was flushed") {
    CrashTestOptions options;
    options.seed = seed();
    options.states = rounds_of(10000);
    const CrashTestResult result = crash_test(options, {});
    CHECK(result.violations == 0);
    for (const std::string& example : result.examples)
        FAIL_CHECK(example);
    CHECK(result.states >= options.states);
    CHECK(result.recovered_states > options.states / 10);
    CHECK(result.recut_states > options.states / 20);
}

TEST_CASE("no cut loses what one of several clients flushed") {
    CrashTestOptions options;
    options.seed = seed();
    options.states = rounds_of(4000);
    options.clients = 3;
    const CrashTestResult result = crash_test(options, {});
    CHECK(result.violations == 0);
    for (const std::string& example : result.examples)
        FAIL_CHECK(example);
    CHECK(result.states >= options.states);
}

TEST_CASE("a medium that does not sync is found out") {
    CrashTestOptions options;
    options.seed = seed();
    options.states = rounds_of(1000);
    options.syncs = CrashTestOptions::Syncs::ignored;
    CHECK(crash_test(options, {}).violations > options.states / 20);
}
