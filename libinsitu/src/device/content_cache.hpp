#pragma once

#include <array>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "insitu/units.hpp"

namespace insitu {

// What compressed extents decoded to, by their heads; those used last stay. Thread-safe. The owner
// forgets an extent before it changes, and inserts none meanwhile: so what is found is true.
class ContentCache {
  public:
    using Content = std::shared_ptr<const std::vector<std::byte>>;

    // Holds no more than this many bytes of content.
    explicit ContentCache(std::uint64_t limit_bytes) : shard_bytes_(limit_bytes / shard_count) {}

    // None where it is not there.
    Content find(BlockIndex head);
    void insert(BlockIndex head, Content content);
    void forget(BlockIndex head);

  private:
    static constexpr std::size_t shard_count = 16;
    struct Entry {
        std::uint64_t head;
        Content content;
    };
    struct Shard {
        std::mutex mutex;
        std::list<Entry> entries;  // the last used first
        std::unordered_map<std::uint64_t, std::list<Entry>::iterator> by_head;
        std::uint64_t bytes = 0;

        void erase(std::list<Entry>::iterator entry);
    };

    // Heads of one window lie in one shard.
    Shard& shard_of(BlockIndex head) { return shards_[head.value / window_blocks % shard_count]; }

    std::uint64_t shard_bytes_;
    std::array<Shard, shard_count> shards_;
};

}  // namespace insitu
