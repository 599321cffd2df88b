// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/xfs_settle.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <map>

#include "insitu/error.hpp"
#include "mkfs/xfs_attributes.hpp"
#include "mkfs/xfs_rename.hpp"

namespace insitu::apps {

namespace {

void settle_inode(const XfsImage& image, std::uint64_t number, const Entry& entry,
                  std::optional<std::int64_t> epoch) {
    XfsInode inode = image.inode(number);
    constexpr mode_t all_links = 0777;
    put_big(inode.bytes, 2, 2, entry.is(S_IFLNK) ? S_IFLNK | all_links : entry.mode);
    // mkfs.xfs cuts major numbers to nine bits.
    if (entry.is(S_IFCHR) || entry.is(S_IFBLK)) {
        constexpr int minor_bits = 18;
        put_big(inode.bytes, xfs_literal_at, 4,
                std::uint64_t{entry.device_major} << minor_bits | entry.device_minor);
    }
    const Timestamp now{epoch.value_or(0), 0};
    image.set_time(inode, xfs_modify_time_at, entry.modified);
    image.set_time(inode, xfs_access_time_at, epoch ? now : entry.modified);
    image.set_time(inode, xfs_change_time_at, epoch ? now : entry.modified);
    image.set_time(inode, xfs_create_time_at, epoch ? now : entry.modified);
    image.write_inode(inode);
}

// mkfs.xfs gives a target one block, whatever its size is.
void check_target(const XfsImage& image, std::uint64_t number, const Entry& entry) {
    const std::size_t room = image.block_bytes() - xfs_link_header_bytes;
    if (entry.link_target.size() <= room || image.inode(number).format() == xfs_format_local) {
        return;
    }
    throw Error(ErrorKind::refused, {.file = printable(entry.path)},
                fmt::format("its target has {} bytes: a block of this XFS holds {}",
                            entry.link_target.size(), room),
                "larger blocks hold it");
}

}  // namespace

std::vector<std::uint64_t> find_xfs_inodes(const XfsImage& image, const Tree& tree,
                                           const std::vector<std::string>& words) {
    const std::vector<std::vector<std::size_t>> children = children_of(tree);
    std::vector<std::uint64_t> inodes(tree.entries.size(), image.root());
    // A directory comes before what it holds.
    for (std::size_t i = 0; i < tree.entries.size(); ++i) {
        if (children[i].empty()) continue;
        std::map<std::string, std::uint64_t> found;
        for (const XfsName& name : image.names(image.inode(inodes[i])))
            found[name.name] = name.inode;
        for (const std::size_t child : children[i]) {
            const auto place = found.find(words[child]);
            if (place == found.end()) {
                bad_image(
                    fmt::format("'{}' is missing in it", printable(tree.entries[child].path)));
            }
            inodes[child] = place->second;
        }
    }
    return inodes;
}

void settle_xfs(const XfsImage& image, const Tree& tree, const std::vector<std::string>& words,
                std::optional<std::int64_t> epoch) {
    const std::vector<std::vector<std::size_t>> children = children_of(tree);
    const std::vector<std::uint64_t> inodes = find_xfs_inodes(image, tree, words);
    for (std::size_t i = 0; i < tree.entries.size(); ++i) {
        const Entry& entry = tree.entries[i];
        if (entry.is(S_IFLNK)) {
            check_target(image, inodes[i], entry);
            retarget_in_xfs(image, inodes[i], entry.link_target);
        }
        std::map<std::string, std::string> new_names;
        for (const std::size_t child : children[i]) {
            const std::string name = tree.entries[child].name();
            if (name != words[child]) new_names[words[child]] = name;
        }
        if (!new_names.empty()) rename_in_xfs(image, inodes[i], new_names);
        fill_xfs_attributes(image, inodes[i], entry.xattrs);
        settle_inode(image, inodes[i], entry, epoch);
    }
}

}  // namespace insitu::apps
