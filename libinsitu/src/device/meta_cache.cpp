// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/meta_cache.hpp"

#include <algorithm>
#include <cstring>

#include "insitu/internal/format/window_map.hpp"

namespace insitu {

MetaCache::MetaCache(Store& store, const Geometry& geometry) : store_(store), geometry_(geometry) {}

MetaCache::Group& MetaCache::load(Shard& shard, std::uint64_t index) {
    const auto found = shard.by_index.find(index);
    if (found != shard.by_index.end()) {
        shard.groups.splice(shard.groups.begin(), shard.groups, found->second);
        return shard.groups.front();
    }
    Group group;
    group.index = index;
    const std::uint64_t offset = index * group_meta_bytes;
    const std::uint64_t length =
        std::min<std::uint64_t>(group_meta_bytes, geometry_.meta_bytes() - offset);
    store_.read_at(geometry_.meta_at_byte() + offset, group.bytes.first(length));
    std::memset(group.bytes.data() + length, 0, group.bytes.size() - length);
    if (shard.groups.size() >= shard_groups) {
        const auto clean = std::find_if(shard.groups.rbegin(), shard.groups.rend(),
                                        [](const Group& old) { return old.dirty.none(); });
        if (clean != shard.groups.rend()) {
            shard.by_index.erase(clean->index);
            shard.groups.erase(std::next(clean).base());
        }
    }
    shard.groups.push_front(std::move(group));
    shard.by_index[index] = shard.groups.begin();
    return shard.groups.front();
}

WindowMeta MetaCache::get(WindowIndex window) {
    const std::uint64_t index = window.value / group_windows;
    Shard& shard = shard_of(index);
    const std::lock_guard lock(shard.mutex);
    WindowMeta meta;
    std::memcpy(meta.data(),
                load(shard, index).bytes.data() + window.value % group_windows * window_meta_bytes,
                window_meta_bytes);
    return meta;
}

void MetaCache::set(WindowIndex window, const WindowMeta& meta) {
    const std::uint64_t index = window.value / group_windows;
    Shard& shard = shard_of(index);
    const std::lock_guard lock(shard.mutex);
    Group& group = load(shard, index);
    const std::size_t at = window.value % group_windows * window_meta_bytes;
    const std::size_t length = meta_bytes_for(geometry_.blocks_in_window(window));
    std::memcpy(group.bytes.data() + at, meta.data(), length);
    group.dirty.set(at / sector_bytes);
    group.dirty.set((at + length - 1) / sector_bytes);
}

void MetaCache::set_stamp(ByteView stamp) {
    const std::uint64_t end = geometry_.meta_bytes();
    const std::uint64_t index = (end - 1) / group_meta_bytes;
    Shard& shard = shard_of(index);
    const std::lock_guard lock(shard.mutex);
    Group& group = load(shard, index);
    const std::size_t at = end - index * group_meta_bytes - stamp.size();
    std::memcpy(group.bytes.data() + at, stamp.data(), stamp.size());
    group.dirty.set(at / sector_bytes);
}

std::uint64_t MetaCache::write_group(Group& group) {
    const std::uint64_t at = geometry_.meta_at_byte() + group.index * group_meta_bytes;
    std::uint64_t written_bytes = 0;
    for (std::size_t sector = 0; sector < group_sectors;) {
        if (!group.dirty.test(sector)) {
            ++sector;
            continue;
        }
        std::size_t end = sector + 1;
        while (end < group_sectors && group.dirty.test(end))
            ++end;
        const std::size_t length = (end - sector) * sector_bytes;
        store_.write_at(at + sector * sector_bytes,
                        group.bytes.view().subspan(sector * sector_bytes, length));
        written_bytes += length;
        sector = end;
    }
    group.dirty.reset();
    return written_bytes;
}

std::uint64_t MetaCache::write_dirty() {
    std::uint64_t written_bytes = 0;
    for (Shard& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        for (Group& group : shard.groups) {
            if (group.dirty.any()) written_bytes += write_group(group);
        }
    }
    return written_bytes;
}

}  // namespace insitu
