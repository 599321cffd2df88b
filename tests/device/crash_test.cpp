#include "insitu/device/crash_test.hpp"

#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;

TEST_CASE("no cut loses what was flushed") {
    CrashTestOptions options;
    options.seed = test::seed();
    options.states = 10000;
    const CrashTestResult result = crash_test(options, {});
    CHECK(result.violations == 0);
    for (const std::string& example : result.examples)
        FAIL_CHECK(example);
    CHECK(result.states >= options.states);
    CHECK(result.recovered_states > 1000);
    CHECK(result.recut_states > 500);
}

TEST_CASE("a medium that does not sync is found out") {
    CrashTestOptions options;
    options.seed = test::seed();
    options.states = 1000;
    options.syncs = CrashTestOptions::Syncs::ignored;
    CHECK(crash_test(options, {}).violations > 50);
}
