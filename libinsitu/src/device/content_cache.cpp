// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/content_cache.hpp"

#include <cstring>

#include "insitu/internal/store/memory_size.hpp"

namespace insitu {

ContentCache::ContentCache(std::uint64_t limit_bytes)
    : set_count_(memory_size(limit_bytes) / (ways * block_bytes)),
      sets_(std::make_unique<Set[]>(set_count_)),
      memory_(set_count_ * ways * block_bytes) {}

std::byte* ContentCache::place(std::uint64_t set, unsigned way) noexcept {
    // Blocks side by side are side by side here, too: memory is taken bit by bit.
    return memory_.data() + (way * set_count_ + set) * block_bytes;
}

std::optional<unsigned> ContentCache::find(const Set& set, std::uint64_t block) noexcept {
    for (unsigned way = 0; way < ways; ++way) {
        if (set.blocks[way] == block) return way;
    }
    return std::nullopt;
}

// A way that is empty, or was not used since the hand passed it last.
unsigned ContentCache::make_room(Set& set) noexcept {
    if (const auto empty = find(set, no_block)) return *empty;
    for (;;) {
        const unsigned way = set.hand;
        set.hand = static_cast<std::uint16_t>((way + 1) % ways);
        const auto bit = static_cast<std::uint16_t>(1U << way);
        if ((set.used & bit) == 0) return way;
        set.used = static_cast<std::uint16_t>(set.used & ~bit);
    }
}

bool ContentCache::read(BlockIndex first, ByteSpan output) {
    if (!enabled()) return false;
    for (std::size_t done = 0; done < output.size(); done += block_bytes) {
        const std::uint64_t block = first.value + done / block_bytes;
        const std::uint64_t index = set_of(block);
        const std::lock_guard lock(lock_of(index));
        Set& set = sets_[index];
        const auto way = find(set, block);
        if (!way) {
            misses_.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
        set.used = static_cast<std::uint16_t>(set.used | 1U << *way);
        std::memcpy(output.data() + done, place(index, *way), block_bytes);
    }
    hits_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

void ContentCache::insert(BlockIndex first, ByteView blocks) {
    if (!enabled()) return;
    for (std::size_t done = 0; done < blocks.size(); done += block_bytes) {
        const std::uint64_t block = first.value + done / block_bytes;
        const std::uint64_t index = set_of(block);
        const std::lock_guard lock(lock_of(index));
        Set& set = sets_[index];
        // It stayed when others of its extent went, or two readers missed it at the same time.
        if (find(set, block)) continue;
        const unsigned way = make_room(set);
        set.blocks[way] = block;
        std::memcpy(place(index, way), blocks.data() + done, block_bytes);
    }
}

void ContentCache::forget(BlockIndex first, std::uint64_t blocks) {
    if (!enabled()) return;
    for (std::uint64_t block = first.value; block < first.value + blocks; ++block) {
        const std::uint64_t index = set_of(block);
        const std::lock_guard lock(lock_of(index));
        if (const auto way = find(sets_[index], block)) sets_[index].blocks[*way] = no_block;
    }
}

}  // namespace insitu
