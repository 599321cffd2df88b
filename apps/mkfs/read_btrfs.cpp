// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>

#include "common/sha256.hpp"
#include "mkfs/btrfs_image.hpp"
#include "mkfs/hash_ranges.hpp"
#include "mkfs/readers.hpp"

namespace insitu::apps {

namespace {

constexpr int inode_item = 1;
constexpr int name_item = 96;  // by the order of making
constexpr int extent_item = 108;

struct BtrfsFile {
    Entry entry;
    std::vector<std::pair<std::string, std::uint64_t>> names;  // in a directory
    std::vector<PlacedRange> ranges;
    bool is_compressed = false;
    std::uint64_t size_bytes = 0;
};

std::string hash_of(const std::string& content) {
    Sha256 sha256;
    sha256.add(std::as_bytes(std::span(content.data(), content.size())));
    return sha256.hex_digits();
}

class BtrfsReader {
  public:
    explicit BtrfsReader(const std::string& file)
        : image_(std::make_shared<BtrfsImage>(file, ImageBytes::Mode::read)) {}

    FoundTree run() {
        image_->for_each_leaf([this](const std::string& leaf, const auto& items) {
            for (const BtrfsItem& item : items)
                take(part(leaf, item.at, item.length), item);
            return false;
        });
        visit({}, btrfs_top_inode);
        FoundTree found = collector_.finish();
        found.content_hash = [image = image_, files = files_, keys = found.inodes](std::size_t i) {
            const BtrfsFile& file = files->at(keys.at(i));
            if (file.is_compressed) return std::string();
            // A small file is in the item itself, where a link has its target.
            if (!file.entry.link_target.empty()) return hash_of(file.entry.link_target);
            return hash_ranges(image->bytes(), file.ranges, file.size_bytes);
        };
        return found;
    }

  private:
    void take(const std::string& bytes, const BtrfsItem& item) {
        BtrfsFile& file = (*files_)[item.key.object];
        if (item.key.type == inode_item) {
            take_inode(file, bytes);
        } else if (item.key.type == btrfs_xattr_item) {
            take_xattrs(file.entry, bytes);
        } else if (item.key.type == name_item) {
            file.names.emplace_back(part(bytes, 30, little(bytes, 27, 2)), little(bytes, 0, 8));
        } else if (item.key.type == extent_item) {
            take_extent(file, bytes, item);
        }
    }

    static void take_inode(BtrfsFile& file, const std::string& bytes) {
        Entry& entry = file.entry;
        entry.mode = static_cast<mode_t>(little(bytes, 52, 4));
        entry.uid = static_cast<std::uint32_t>(little(bytes, 44, 4));
        entry.gid = static_cast<std::uint32_t>(little(bytes, 48, 4));
        entry.names = static_cast<std::uint32_t>(little(bytes, 40, 4));
        entry.modified = {static_cast<std::int64_t>(little(bytes, 136, 8)),
                          static_cast<std::uint32_t>(little(bytes, 144, 4))};
        file.size_bytes = little(bytes, 16, 8);
        if (entry.is(S_IFREG)) entry.size_bytes = file.size_bytes;
        if (!entry.is(S_IFCHR) && !entry.is(S_IFBLK)) return;
        constexpr int minor_bits = 20;
        const std::uint64_t device = little(bytes, 56, 8);
        entry.device_major = static_cast<std::uint32_t>(device >> minor_bits);
        entry.device_minor = static_cast<std::uint32_t>(device & ((1U << minor_bits) - 1));
    }

    // Names whose hashes are equal share an item.
    static void take_xattrs(Entry& entry, const std::string& bytes) {
        constexpr std::size_t header = 30;
        for (std::size_t at = 0; at < bytes.size();) {
            const std::uint64_t value = little(bytes, at + 25, 2);
            const std::uint64_t name = little(bytes, at + 27, 2);
            entry.xattrs[part(bytes, at + header, name)] = part(bytes, at + header + name, value);
            at += header + name + value;
        }
    }

    void take_extent(BtrfsFile& file, const std::string& bytes, const BtrfsItem& item) const {
        constexpr std::uint64_t in_the_item = 0;
        constexpr std::uint64_t not_written = 2;
        constexpr std::size_t content_at = 21;
        file.is_compressed = file.is_compressed || little(bytes, 16, 1) != 0;
        const std::uint64_t kind = little(bytes, 20, 1);
        if (kind == in_the_item) {
            file.entry.link_target = part(bytes, content_at, bytes.size() - content_at);
            return;
        }
        const std::uint64_t disk = little(bytes, content_at, 8);
        if (disk == 0 || kind == not_written || file.is_compressed) return;
        const std::uint64_t length = little(bytes, content_at + 24, 8);
        file.ranges.push_back({item.key.offset, length,
                               image_->byte_of(disk + little(bytes, content_at + 16, 8), length)});
    }

    void visit(const std::string& path, std::uint64_t number) {
        const auto found = files_->find(number);
        if (found == files_->end() || found->second.entry.mode == 0) {
            bad_image(fmt::format("inode {} is missing", number));
        }
        Entry entry = found->second.entry;
        entry.path = path;
        // mkfs.btrfs stores a zero after it.
        entry.link_target.resize(
            entry.is(S_IFLNK)
                ? std::min<std::uint64_t>(found->second.size_bytes, entry.link_target.size())
                : 0);
        const bool is_directory = entry.is(S_IFDIR);
        collector_.add(std::move(entry), number);
        if (!is_directory) return;
        for (const auto& [name, inode] : found->second.names)
            visit(path.empty() ? name : fmt::format("{}/{}", path, name), inode);
    }

    std::shared_ptr<BtrfsImage> image_;
    std::shared_ptr<std::map<std::uint64_t, BtrfsFile>> files_ =
        std::make_shared<std::map<std::uint64_t, BtrfsFile>>();
    TreeCollector collector_;
};

}  // namespace

FoundTree read_btrfs(const std::string& file) {
    return BtrfsReader(file).run();
}

}  // namespace insitu::apps
