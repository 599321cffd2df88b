// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/readers.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "insitu/error.hpp"

namespace insitu::apps {

void TreeCollector::add(Entry entry, std::uint64_t inode) {
    entries_.emplace_back(std::move(entry), inode);
}

FoundTree TreeCollector::finish() {
    std::sort(entries_.begin(), entries_.end(),
              [](const auto& a, const auto& b) { return path_before(a.first.path, b.first.path); });
    FoundTree found;
    Tree& tree = found.tree;
    std::map<std::uint64_t, std::size_t> firsts;
    for (auto& [entry, inode] : entries_) {
        if (!entry.is(S_IFDIR)) {
            const auto [first, is_new] = firsts.emplace(inode, tree.entries.size());
            if (!is_new) entry.link_to = first->second;
        }
        found.inodes.push_back(inode);
        tree.entries.push_back(std::move(entry));
    }
    return found;
}

std::optional<FoundTree> read_file_system(const std::string& type, const std::string& file,
                                          std::string& why_not) {
    try {
        if (type.starts_with("ext")) return read_ext(file);
        if (type == "xfs") return read_xfs(file);
        if (type == "vfat") return read_vfat(file);
        if (type == "btrfs") return read_btrfs(file);
        return type == "erofs" ? read_erofs(file) : read_squashfs(file);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::refused) throw;
        why_not = error.what();
        return std::nullopt;
    }
}

}  // namespace insitu::apps
