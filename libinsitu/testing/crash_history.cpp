// SPDX-License-Identifier: GPL-2.0-or-later
#include "testing/crash_history.hpp"

#include <xxhash.h>

#include <algorithm>

namespace insitu {

std::uint64_t hash_of_block(ByteView block) noexcept {
    return XXH3_64bits(block.data(), block.size());
}

void BlockHistory::promised(std::size_t time, std::size_t version) {
    promises_.push_back({time, version});
}

std::size_t BlockHistory::oldest_allowed(std::size_t cut) const noexcept {
    std::size_t oldest = 0;
    for (const Promise& promise : promises_) {
        if (promise.time <= cut) oldest = std::max(oldest, promise.version);
    }
    return oldest;
}

bool BlockHistory::in_flight(std::size_t cut) const noexcept {
    const std::size_t next = oldest_allowed(cut) + 1;
    return next < versions_.size() && versions_[next].time <= cut;
}

bool BlockHistory::allows(std::size_t cut, std::uint64_t hash) const noexcept {
    for (std::size_t i = oldest_allowed(cut); i < versions_.size() && versions_[i].time <= cut;
         ++i) {
        if (versions_[i].hash == hash) return true;
    }
    return false;
}

void Book::open(std::uint64_t blocks) {
    const std::vector<std::byte> zeros(block_bytes);
    const std::uint64_t hash = hash_of_block(zeros);
    blocks_.resize(blocks);
    for (BlockHistory& block : blocks_) {
        block.issued(0, hash);
        block.promised(0, block.newest());
    }
}

void Book::issued(std::size_t time, std::uint64_t first, ByteView content) {
    const std::lock_guard lock(mutex_);
    for (std::size_t at = 0; at < content.size(); at += block_bytes)
        blocks_[first + at / block_bytes].issued(time,
                                                 hash_of_block(content.subspan(at, block_bytes)));
}

void Book::completed(std::uint64_t first, std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    for (std::uint64_t i = first; i < first + count; ++i)
        blocks_[i].completed();
}

std::vector<std::size_t> Book::flush_begins() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::size_t> versions;
    versions.reserve(blocks_.size());
    for (const BlockHistory& block : blocks_)
        versions.push_back(block.last_completed());
    return versions;
}

void Book::flush_returned(std::size_t time, const std::vector<std::size_t>& versions) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < versions.size(); ++i)
        blocks_[i].promised(time, versions[i]);
}

void Book::durable(std::size_t time, std::uint64_t first, std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    for (std::uint64_t i = first; i < first + count; ++i)
        blocks_[i].promised(time, blocks_[i].newest());
}

bool Book::allows(std::uint64_t block, std::size_t cut, std::uint64_t hash) const {
    const std::lock_guard lock(mutex_);
    return blocks_[block].allows(cut, hash);
}

bool Book::in_flight(std::uint64_t block, std::size_t cut) const {
    const std::lock_guard lock(mutex_);
    return blocks_[block].in_flight(cut);
}

}  // namespace insitu
