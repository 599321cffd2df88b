// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// A file system read back without mounting it. Entries have no content_path; `names` is the count
// of links that the file system itself states.
struct FoundTree {
    Tree tree;
    std::vector<std::uint64_t>
        inodes;  // of the entries: their numbers, or others that tell them apart
    // SHA-256 of the content of a regular file, by its place in the tree. Empty if contents of this
    // file system cannot be read here.
    std::function<std::string(std::size_t)> content_hash;
};

// One for each kind of type. Throw `damaged` Errors for what is no such file system, and `io` ones.
FoundTree read_ext(const std::string& file);
FoundTree read_xfs(const std::string& file);
FoundTree read_vfat(const std::string& file);
FoundTree read_btrfs(const std::string& file);
FoundTree read_erofs(const std::string& file);
FoundTree read_squashfs(const std::string& file);

// By the name of the type. None: `why_not` says why it is not read.
std::optional<FoundTree> read_file_system(const std::string& type, const std::string& file,
                                          std::string& why_not);

// Collects entries by their inodes and turns them into a tree.
class TreeCollector {
  public:
    // `inode` is what names of one file have in common.
    void add(Entry entry, std::uint64_t inode);
    FoundTree finish();

  private:
    std::vector<std::pair<Entry, std::uint64_t>> entries_;
};

}  // namespace insitu::apps
