// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/btrfs_top.hpp"

#include <algorithm>
#include <iterator>

#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

struct WholeItem {
    BtrfsKey key;
    std::string bytes;
};

// The key of an attribute has a hash of its name.
BtrfsKey key_of(const std::string& name) {
    constexpr std::uint32_t start = ~1U;
    return {btrfs_top_inode, btrfs_xattr_item, ~crc32c(name, start) & 0xffffffffU};
}

std::string xattr_bytes(const std::string& name, const std::string& value) {
    constexpr std::size_t fixed_bytes = 30;
    constexpr std::uint64_t kind = 8;
    std::string bytes(fixed_bytes, '\0');
    put_little(bytes, 25, 2, value.size());
    put_little(bytes, 27, 2, name.size());
    put_little(bytes, 29, 1, kind);
    return bytes + name + value;
}

// In the order of their keys; names with one hash share an item.
std::vector<WholeItem> xattr_items(const std::map<std::string, std::string>& xattrs) {
    std::map<BtrfsKey, std::string> items;
    for (const auto& [name, value] : xattrs)
        items[key_of(name)] += xattr_bytes(name, value);
    std::vector<WholeItem> list;
    list.reserve(items.size());
    for (auto& [key, bytes] : items)
        list.push_back({key, std::move(bytes)});
    return list;
}

// How many of the items, from the first on, a leaf of this size holds.
std::size_t count_that_fits(const std::vector<WholeItem>& items, std::size_t leaf_bytes) {
    std::size_t left = leaf_bytes - btrfs_header_bytes;
    std::size_t count = 0;
    for (const WholeItem& item : items) {
        const std::size_t needed = btrfs_item_head_bytes + item.bytes.size();
        if (needed > left) break;
        left -= needed;
        ++count;
    }
    return count;
}

void fill_leaf(std::string& leaf, const std::vector<WholeItem>& items) {
    std::fill(leaf.begin() + btrfs_header_bytes, leaf.end(), '\0');
    put_little(leaf, btrfs_count_at, 4, items.size());
    std::size_t end = leaf.size();
    std::size_t head = btrfs_header_bytes;
    for (const WholeItem& item : items) {
        end -= item.bytes.size();
        leaf.replace(end, item.bytes.size(), item.bytes);
        put_little(leaf, head, 8, item.key.object);
        put_little(leaf, head + 8, 1, static_cast<std::uint64_t>(item.key.type));
        put_little(leaf, head + btrfs_key_offset_at, 8, item.key.offset);
        put_little(leaf, head + btrfs_key_bytes, 4, end - btrfs_header_bytes);
        put_little(leaf, head + btrfs_key_bytes + 4, 4, item.bytes.size());
        head += btrfs_item_head_bytes;
    }
}

}  // namespace

// The top is in the first leaf. What no longer fits into a leaf goes to the front of the next one,
// so that no new one is needed, which the tree of extents would have to hear of.
void add_btrfs_top_xattrs(const BtrfsImage& image,
                          const std::map<std::string, std::string>& xattrs) {
    std::vector<WholeItem> more = xattr_items(xattrs);
    if (more.empty()) return;
    image.for_each_leaf([&](std::string& leaf, const std::vector<BtrfsItem>& items) {
        if (more.empty()) return false;
        std::vector<WholeItem> all;
        all.reserve(items.size() + more.size());
        for (const BtrfsItem& item : items)
            all.push_back({item.key, part(leaf, item.at, item.length)});
        std::move(more.begin(), more.end(), std::back_inserter(all));
        std::sort(all.begin(), all.end(),
                  [](const WholeItem& a, const WholeItem& b) { return a.key < b.key; });
        const auto rest =
            all.begin() + static_cast<std::ptrdiff_t>(count_that_fits(all, leaf.size()));
        more.assign(std::make_move_iterator(rest), std::make_move_iterator(all.end()));
        all.erase(rest, all.end());
        fill_leaf(leaf, all);
        return true;
    });
    if (more.empty()) return;
    throw Error(ErrorKind::refused, {.file = "the top of the tree"},
                "has extended attributes for which the btrfs that mkfs.btrfs made has no room",
                "-- -n 65536 gives it more");
}

}  // namespace insitu::apps
