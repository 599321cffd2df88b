// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "insitu/internal/engine/control.hpp"
#include "insitu/store.hpp"

// A power-cut simulator for the live device (docs/crash-safety.md). It lets a device work on
// memory, remembers every write and sync, makes the states in which a power cut could have left the
// medium, recovers each and compares it with what had been promised.
namespace insitu {

struct CrashTestOptions {
    std::uint64_t seed = 1;
    std::uint64_t states = 10000;      // at least
    std::uint64_t blocks = 256;        // of the logical device
    std::uint64_t requests = 60;       // of a run
    std::uint64_t states_a_run = 500;  // at least
    // At the same time, on the blocks that each has for itself. With more than one, threads decide
    // what the runs are like, and a seed does not bring one back.
    unsigned clients = 1;
    // What the device holds when the random requests begin. Random: it is full, and the journal has
    // no hole but those that requests make.
    enum class Fill { half, random } fill = Fill::half;
    // Another judge of recovered images: says what is wrong with one, or nothing. It is asked about
    // every `check_every`-th state, by several threads at a time.
    std::function<std::string(const Store&)> check;
    std::uint64_t check_every = 1;
    // A medium that forgets to sync: then violations must be found, or the simulator is blind.
    enum class Syncs { honest, ignored } syncs = Syncs::honest;
};

struct CrashTestResult {
    std::uint64_t runs = 0;
    std::uint64_t writes = 0;  // recorded, of all runs
    std::uint64_t syncs = 0;
    std::uint64_t states = 0;
    std::uint64_t recovered_states = 0;  // in which an intent was applied
    std::uint64_t recut_states = 0;      // whose recovery was cut, too
    std::uint64_t checked_states = 0;    // that the other judge saw
    // Runs with commits that had no room for a journal: there, blocks that were being written at
    // the cut may hold anything, and the other judge is not asked.
    std::uint64_t unprotected_runs = 0;
    std::uint64_t refused_requests = 0;  // that no journal could have protected
    std::uint64_t violations = 0;
    std::vector<std::string> examples;  // of violations, by run, at most 20
};

// Runs alternate between the algorithms, cache sizes and policies, with and without compaction; a
// run is several devices one after the other, of which only the last may be closed. Memory: a few
// MiB a thread. With one client the result depends on the options alone. Throws `cancelled` Errors
// and what the device throws.
CrashTestResult crash_test(const CrashTestOptions& options, const Control& control);

}  // namespace insitu
