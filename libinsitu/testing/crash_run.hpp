// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <memory>
#include <random>
#include <vector>

#include "testing/crash_history.hpp"
#include "testing/crash_test.hpp"
#include "testing/recording_store.hpp"

namespace insitu {

using CrashRandom = std::mt19937_64;

inline std::uint64_t pick(CrashRandom& random, std::uint64_t limit) {
    return random() % limit;
}

// What devices did to a medium, and what their clients know.
struct CrashRun {
    std::vector<std::byte> start;
    std::unique_ptr<RecordingStore> store;
    std::unique_ptr<Book> book;
    std::uint64_t unprotected_commits = 0;
    std::atomic<std::uint64_t> refused_requests{0};  // for want of a hole for the journal
    std::vector<std::string> violations;             // that were seen without a cut
};

// One run of random requests, into `run`. With one client it depends on the options and its number
// alone.
void record_run(const CrashTestOptions& options, std::uint64_t number, CrashRun& run);

}  // namespace insitu
