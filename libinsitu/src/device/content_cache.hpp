// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "device/lazy_memory.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Blocks that compressed extents decoded to; those that were used lately stay. Thread-safe. The
// owner forgets blocks before they change, and inserts none of them meanwhile: so what is found is
// true.
//
// A block has one of 16 places (a set), chosen by its number: no lists, no tables that grow, and
// blocks side by side never compete before the cache is full.
class ContentCache {
  public:
    // Holds no more than this many bytes of content, and takes memory as it fills. Throws
    // std::bad_alloc.
    explicit ContentCache(std::uint64_t limit_bytes);

    bool enabled() const noexcept { return set_count_ != 0; }
    // Copies the blocks from `first` on into `output`; false where not all of them are there.
    bool read(BlockIndex first, ByteSpan output);
    std::uint64_t hits() const noexcept { return hits_; }
    std::uint64_t misses() const noexcept { return misses_; }
    void insert(BlockIndex first, ByteView blocks);
    void forget(BlockIndex first, std::uint64_t blocks);

  private:
    static constexpr unsigned ways = 16;
    static constexpr std::size_t lock_count = 256;
    static constexpr std::uint64_t no_block = ~std::uint64_t{0};
    struct Set {
        Set() { blocks.fill(no_block); }
        std::array<std::uint64_t, ways> blocks;
        std::uint16_t used = 0;  // a bit for each that was used since the hand passed it
        std::uint16_t hand = 0;
    };
    struct alignas(64) Lock {
        std::mutex mutex;
    };

    std::uint64_t set_of(std::uint64_t block) const noexcept { return block % set_count_; }
    std::mutex& lock_of(std::uint64_t set) noexcept { return locks_[set % lock_count].mutex; }
    std::byte* place(std::uint64_t set, unsigned way) noexcept;
    static std::optional<unsigned> find(const Set& set, std::uint64_t block) noexcept;
    static unsigned make_room(Set& set) noexcept;

    std::uint64_t set_count_;
    std::unique_ptr<Set[]> sets_;
    LazyMemory memory_;
    std::array<Lock, lock_count> locks_;
    // Of read().
    std::atomic<std::uint64_t> hits_{0};
    std::atomic<std::uint64_t> misses_{0};
};

}  // namespace insitu
