#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "insitu/api.hpp"
#include "insitu/engine/control.hpp"
#include "insitu/format/super_block.hpp"

// A power-cut simulator for the live device (docs/crash-safety.md). It lets a device work on
// memory, remembers every write and sync, makes the states in which a power cut could have left the
// medium, recovers each and compares it with what had been promised.
namespace insitu {

struct CrashTestOptions {
    std::uint64_t seed = 1;
    std::uint64_t states = 10000;  // at least
    std::uint64_t blocks = 256;    // of the logical device
    std::uint64_t requests = 60;   // of a run
    std::uint64_t states_a_run = 500;
    // A medium that forgets to sync: then violations must be found, or the simulator is blind.
    enum class Syncs { honest, ignored } syncs = Syncs::honest;
};

struct CrashTestResult {
    std::uint64_t runs = 0;
    std::uint64_t writes = 0;  // recorded, of all runs
    std::uint64_t syncs = 0;
    std::uint64_t states = 0;
    std::uint64_t recovered_states = 0;     // in which an intent was applied
    std::uint64_t recut_states = 0;         // whose recovery was cut, too
    std::uint64_t unprotected_commits = 0;  // whose states do not count
    std::uint64_t violations = 0;
    std::vector<std::string> examples;  // of violations, by run, at most 20
};

// Runs alternate between the algorithms, cache sizes and policies. Memory: a few MiB a thread. The
// result depends on the options alone. Throws `cancelled` Errors and what the device throws.
INSITU_API CrashTestResult crash_test(const CrashTestOptions& options, const Control& control);

}  // namespace insitu
