#pragma once

#include <array>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "insitu/units.hpp"

namespace insitu {

// Memory that is about to be filled: not initialised.
class DecodedContent {
  public:
    explicit DecodedContent(std::size_t size_bytes)
        : bytes_(std::make_unique_for_overwrite<std::byte[]>(size_bytes)),
          size_bytes_(size_bytes) {}

    const std::byte* data() const noexcept { return bytes_.get(); }
    std::size_t size() const noexcept { return size_bytes_; }
    ByteSpan span() noexcept { return {bytes_.get(), size_bytes_}; }

  private:
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t size_bytes_;
};

// What compressed extents decoded to, by their heads; those used last stay. Thread-safe. The owner
// forgets an extent before it changes, and inserts none meanwhile: so what is found is true.
class ContentCache {
  public:
    using Content = std::shared_ptr<const DecodedContent>;

    // Holds no more than this many bytes of content.
    explicit ContentCache(std::uint64_t limit_bytes) : shard_bytes_(limit_bytes / shard_count) {}

    // Whether it is worth inserting so much of one extent.
    bool has_room_for(std::size_t bytes) const noexcept { return bytes <= shard_bytes_; }
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
