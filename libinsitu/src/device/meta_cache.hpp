// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <bitset>
#include <list>
#include <mutex>
#include <unordered_map>

#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/store.hpp"

namespace insitu {

// The meta as it stands on the medium, or is about to after set(). Groups that were used last stay
// in memory, 10 MiB of them; those with unwritten sectors stay in any case. Thread-safe, but
// write_dirty() and set() are for one thread.
class MetaCache {
  public:
    MetaCache(Store& store, const Geometry& geometry);

    // 20 bytes as they stand on the disk; zeros behind the last meta byte. Throws `io` Errors.
    WindowMeta get(WindowIndex window);
    void set(WindowIndex window, const WindowMeta& meta);
    // The last bytes of the meta area, which hold no entry.
    void set_stamp(ByteView stamp);
    // Writes the sectors that set() changed; the bytes written.
    std::uint64_t write_dirty();

  private:
    static constexpr std::size_t group_sectors = group_meta_bytes / sector_bytes;
    static constexpr std::size_t shard_count = 16;
    static constexpr std::size_t shard_groups = 32;

    struct Group {
        std::uint64_t index = 0;
        AlignedBuffer bytes{group_meta_bytes};
        std::bitset<group_sectors> dirty;
    };
    struct Shard {
        std::mutex mutex;
        std::list<Group> groups;  // the last used first
        std::unordered_map<std::uint64_t, std::list<Group>::iterator> by_index;
    };

    Shard& shard_of(std::uint64_t group) { return shards_[group % shard_count]; }
    Group& load(Shard& shard, std::uint64_t index);
    std::uint64_t write_group(Group& group);

    Store& store_;
    Geometry geometry_;
    std::array<Shard, shard_count> shards_;
};

}  // namespace insitu
