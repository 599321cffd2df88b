#pragma once

#include <memory>
#include <random>
#include <vector>

#include "device/recording_store.hpp"
#include "insitu/device/crash_test.hpp"
#include "insitu/device/device.hpp"

namespace insitu {

using CrashRandom = std::mt19937_64;

inline std::uint64_t pick(CrashRandom& random, std::uint64_t limit) {
    return random() % limit;
}

std::uint64_t hash_of_block(ByteView block) noexcept;

// What a block was given to hold, and what was promised of it. Times are counts of events.
class BlockHistory {
  public:
    void issued(std::size_t time, std::uint64_t hash) { versions_.push_back({time, hash}); }
    // The version issued last is durable from now on.
    void flushed(std::size_t time) {
        if (!versions_.empty()) promises_.push_back({time, versions_.size() - 1});
    }
    // Whether a block may hold this after a cut.
    bool allows(std::size_t cut, std::uint64_t hash) const noexcept;

  private:
    struct Version {
        std::size_t time;
        std::uint64_t hash;
    };
    struct Promise {
        std::size_t time;
        std::size_t version;
    };
    std::vector<Version> versions_;
    std::vector<Promise> promises_;
};

// What a device did to a medium, and what its client knows.
struct CrashRun {
    std::vector<std::byte> start;
    std::unique_ptr<RecordingStore> store;
    std::vector<BlockHistory> blocks;
    DeviceCounters counters;
};

// One run of random requests, which depends on the options and its number alone.
CrashRun record_run(const CrashTestOptions& options, std::uint64_t number);

}  // namespace insitu
