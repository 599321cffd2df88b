// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "insitu/error.hpp"
#include "insitu/units.hpp"
#include "mkfs/btrfs_holes.hpp"
#include "mkfs/btrfs_image.hpp"
#include "mkfs/btrfs_top.hpp"
#include "mkfs/builder.hpp"
#include "mkfs/readers.hpp"
#include "mkfs/sparse_units.hpp"

namespace insitu::apps {

namespace {

constexpr std::size_t links_at = 40;
constexpr std::size_t owner_at = 44;
constexpr std::size_t mode_at = 52;
constexpr std::size_t device_at = 56;
constexpr std::size_t access_time_at = 112;
constexpr std::size_t change_time_at = 124;
constexpr std::size_t modify_time_at = 136;
constexpr std::size_t create_time_at = 148;

void put_time(std::string& leaf, std::size_t at, const Timestamp& time) {
    put_little(leaf, at, 8, static_cast<std::uint64_t>(time.seconds));
    put_little(leaf, at + 8, 4, time.nanoseconds);
}

// mkfs.btrfs leaves out fractions of seconds and numbers of devices, counts links that are not in
// the tree, and does not look at the top.
void put_attributes(std::string& leaf, std::size_t at, const Entry& entry,
                    std::optional<std::int64_t> epoch) {
    constexpr int minor_bits = 20;
    const Timestamp now{epoch.value_or(0), 0};
    put_time(leaf, at + access_time_at, epoch ? now : entry.accessed);
    put_time(leaf, at + change_time_at, epoch ? now : entry.changed);
    put_time(leaf, at + create_time_at, epoch ? now : entry.modified);
    put_time(leaf, at + modify_time_at, entry.modified);
    put_little(leaf, at + links_at, 4, entry.is(S_IFDIR) ? 1 : entry.names);
    put_little(leaf, at + owner_at, 4, entry.uid);
    put_little(leaf, at + owner_at + 4, 4, entry.gid);
    put_little(leaf, at + mode_at, 4, entry.mode);
    const bool is_device = entry.is(S_IFCHR) || entry.is(S_IFBLK);
    put_little(
        leaf, at + device_at, 8,
        is_device ? std::uint64_t{entry.device_major} << minor_bits | entry.device_minor : 0);
}

std::map<std::uint64_t, const Entry*> files_with_holes(
    const std::map<std::uint64_t, const Entry*>& by_inode) {
    std::map<std::uint64_t, const Entry*> files;
    for (const auto& [inode, entry] : by_inode) {
        if (has_empty_unit(*entry)) files[inode] = entry;
    }
    return files;
}

void settle_inodes(const Builder& builder) {
    const FoundTree found = read_btrfs(builder.file());
    std::map<std::string, const Entry*> wanted;
    for (const Entry& entry : builder.tree().entries)
        wanted[entry.path] = &builder.tree().inode_of(entry);
    std::map<std::uint64_t, const Entry*> by_inode;
    for (std::size_t i = 0; i < found.inodes.size(); ++i) {
        const auto entry = wanted.find(found.tree.entries[i].path);
        if (entry != wanted.end()) by_inode[found.inodes[i]] = entry->second;
    }
    const BtrfsImage image(builder.file(), ImageBytes::Mode::write);
    if (!image.can_patch()) {
        throw Error(ErrorKind::refused, {.file = "mkfs.btrfs"},
                    "was asked for checksums that cannot be made here",
                    "--csum crc32c, xxhash or sha256 can");
    }
    add_btrfs_top_xattrs(image, builder.tree().entries.front().xattrs);
    if (builder.tree().is_squeezed) spread_btrfs_files(image, files_with_holes(by_inode));
    image.for_each_leaf([&](std::string& leaf, const std::vector<BtrfsItem>& items) {
        bool changed = false;
        constexpr int inode_item = 1;
        for (const BtrfsItem& item : items) {
            const auto entry = by_inode.find(item.key.object);
            if (item.key.type != inode_item || entry == by_inode.end()) continue;
            put_attributes(leaf, item.at, *entry->second, builder.request().epoch);
            changed = true;
        }
        return changed;
    });
}

void make(Builder& builder, std::uint64_t size_bytes, bool shrink) {
    const MkfsRequest& request = builder.request();
    builder.make_sparse(size_bytes);
    Arguments list{"mkfs.btrfs", "-q", "-f"};
    if (!request.uuid.empty()) append(list, {"-U", request.uuid});
    if (!request.label.empty()) append(list, {"-L", request.label});
    if (!builder.tree().empty()) append(list, {"--rootdir", builder.tree().directory});
    if (shrink) append(list, {"--shrink"});
    append(list, request.options);
    list.push_back(builder.file());
    builder.run_or_refuse({list});
}

// mkfs.btrfs writes all of a file out, and takes much room for little files.
std::uint64_t content_bytes(const Tree& tree) {
    std::uint64_t content = 0;
    for (const Entry& entry : tree.entries) {
        const bool squeezed = tree.is_squeezed && has_empty_unit(entry);
        const std::uint64_t size =
            squeezed ? squeezed_bytes(entry, data_units(entry)) : entry.size_bytes;
        content += ceil_div(size, block_bytes) * block_bytes + block_bytes;
        for (const auto& [name, value] : entry.xattrs)
            content += name.size() + value.size();
    }
    return content;
}

void make_smallest(Builder& builder) {
    constexpr std::uint64_t least = 128 * mib;
    const std::uint64_t free_bytes = builder.request().free_bytes;
    if (builder.tree().empty()) return make(builder, least + free_bytes, false);
    make(builder, 2 * content_bytes(builder.tree()) + 256 * mib + free_bytes, true);
    if (free_bytes == 0) return;
    const std::uint64_t shrunk = std::filesystem::file_size(builder.file());
    make(builder, std::max(least, shrunk + free_bytes + free_bytes / 16), false);
}

}  // namespace

void build_btrfs(Builder& builder) {
    if (builder.request().size_bytes) {
        make(builder, *builder.request().size_bytes, false);
        builder.settle_size();
    } else {
        make_smallest(builder);
    }
    if (!builder.tree().empty()) settle_inodes(builder);
}

}  // namespace insitu::apps
