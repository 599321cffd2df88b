#include "device/content_cache.hpp"

namespace insitu {

void ContentCache::Shard::erase(std::list<Entry>::iterator entry) {
    bytes -= entry->content->size();
    by_head.erase(entry->head);
    entries.erase(entry);
}

ContentCache::Content ContentCache::find(BlockIndex head) {
    Shard& shard = shard_of(head);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.by_head.find(head.value);
    if (found == shard.by_head.end()) return nullptr;
    shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
    return found->second->content;
}

void ContentCache::insert(BlockIndex head, Content content) {
    if (!has_room_for(content->size())) return;
    Shard& shard = shard_of(head);
    const std::lock_guard lock(shard.mutex);
    // Two readers may have missed it at the same time.
    if (shard.by_head.count(head.value) != 0) return;
    shard.bytes += content->size();
    shard.entries.push_front({head.value, std::move(content)});
    shard.by_head[head.value] = shard.entries.begin();
    while (shard.bytes > shard_bytes_)
        shard.erase(std::prev(shard.entries.end()));
}

void ContentCache::forget(BlockIndex head) {
    Shard& shard = shard_of(head);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.by_head.find(head.value);
    if (found != shard.by_head.end()) shard.erase(found->second);
}

}  // namespace insitu
