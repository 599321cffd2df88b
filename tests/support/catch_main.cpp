// SPDX-License-Identifier: GPL-2.0-or-later
// Catch2's own main(); `--rng-seed N` chooses the seed of every random test, which is printed.
#ifdef INSITU_CATCH2_V3
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <cstdio>

#include "support/random_content.hpp"

int main(int argc, char** argv) {
    Catch::Session session;
    // Version 3 would take another seed on each run; a failure must be there on the next one, too.
    session.configData().rngSeed = 0;
    const int wrong = session.applyCommandLine(argc, argv);
    if (wrong != 0) return wrong;
    const auto given = session.configData().rngSeed;
    insitu::test::set_seed(given != 0 ? given : 20140211);
    session.configData().rngSeed = static_cast<unsigned>(insitu::test::seed());
    std::printf("seed %lu (--rng-seed to change it)\n",
                static_cast<unsigned long>(insitu::test::seed()));
    return session.run();
}
