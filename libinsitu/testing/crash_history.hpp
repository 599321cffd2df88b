// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "insitu/units.hpp"

namespace insitu {

std::uint64_t hash_of_block(ByteView block) noexcept;

// What a block was given to hold, and what was promised of it. Times are counts of events.
class BlockHistory {
  public:
    // A request gives it this content.
    void issued(std::size_t time, std::uint64_t hash) { versions_.push_back({time, hash}); }
    // That request has returned.
    void completed() noexcept { completed_ = newest(); }
    // The version whose request has returned last: what a flush that begins now promises.
    std::size_t last_completed() const noexcept { return completed_; }
    std::size_t newest() const noexcept { return versions_.size() - 1; }
    // That version is durable from now on.
    void promised(std::size_t time, std::size_t version);
    // Whether a block may hold this after a cut.
    bool allows(std::size_t cut, std::uint64_t hash) const noexcept;
    // Whether a request that is not durable yet was writing it at the cut.
    bool in_flight(std::size_t cut) const noexcept;

  private:
    std::size_t oldest_allowed(std::size_t cut) const noexcept;

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
    std::size_t completed_ = 0;
};

// The histories of all blocks, for clients in several threads. No two of them have requests to one
// block at the same time.
class Book {
  public:
    // Every block holds zeros, durably.
    void open(std::uint64_t blocks);

    std::uint64_t size() const noexcept { return blocks_.size(); }

    // Blocks from `first` on are given this content.
    void issued(std::size_t time, std::uint64_t first, ByteView content);
    void completed(std::uint64_t first, std::uint64_t count);
    // What a flush that begins now promises, and its return.
    std::vector<std::size_t> flush_begins() const;
    void flush_returned(std::size_t time, const std::vector<std::size_t>& versions);
    // A FUA write of these blocks has returned.
    void durable(std::size_t time, std::uint64_t first, std::uint64_t count);

    bool allows(std::uint64_t block, std::size_t cut, std::uint64_t hash) const;
    bool in_flight(std::uint64_t block, std::size_t cut) const;

  private:
    mutable std::mutex mutex_;
    std::vector<BlockHistory> blocks_;
};

}  // namespace insitu
