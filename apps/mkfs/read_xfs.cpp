// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/stat.h>

#include <memory>

#include "mkfs/hash_ranges.hpp"
#include "mkfs/readers.hpp"
#include "mkfs/xfs_attributes.hpp"
#include "mkfs/xfs_image.hpp"

namespace insitu::apps {

namespace {

class XfsReader {
  public:
    explicit XfsReader(const std::string& file)
        : image_(std::make_shared<XfsImage>(file, ImageBytes::Mode::read)) {}

    FoundTree run() {
        visit({}, image_->root());
        FoundTree found = collector_.finish();
        found.content_hash = [image = image_, keys = found.inodes](std::size_t i) {
            const XfsInode inode = image->inode(keys.at(i));
            std::vector<PlacedRange> ranges;
            for (const XfsExtent& extent : image->extents(inode)) {
                ranges.push_back({extent.file_block * image->block_bytes(),
                                  extent.blocks * image->block_bytes(),
                                  image->byte_of(extent.fs_block)});
            }
            return hash_ranges(image->bytes(), std::move(ranges), inode.size_bytes());
        };
        return found;
    }

  private:
    void visit(const std::string& path, std::uint64_t number) {
        const XfsInode inode = image_->inode(number);
        Entry entry;
        entry.path = path;
        entry.mode = inode.mode();
        entry.uid = static_cast<std::uint32_t>(big(inode.bytes, 8, 4));
        entry.gid = static_cast<std::uint32_t>(big(inode.bytes, 12, 4));
        entry.names = static_cast<std::uint32_t>(big(inode.bytes, 16, 4));
        entry.modified = image_->time_at(inode, xfs_modify_time_at);
        entry.xattrs = read_xfs_attributes(*image_, inode);
        if (entry.is(S_IFREG)) entry.size_bytes = inode.size_bytes();
        if (entry.is(S_IFLNK)) entry.link_target = image_->link_target(inode);
        if (entry.is(S_IFCHR) || entry.is(S_IFBLK)) {
            const std::uint64_t device = big(inode.bytes, xfs_literal_at, 4);
            constexpr int minor_bits = 18;
            entry.device_major = static_cast<std::uint32_t>(device >> minor_bits);
            entry.device_minor = static_cast<std::uint32_t>(device & ((1U << minor_bits) - 1));
        }
        const bool is_directory = entry.is(S_IFDIR);
        collector_.add(std::move(entry), number);
        if (!is_directory) return;
        for (const XfsName& name : image_->names(inode))
            visit(path.empty() ? name.name : path + "/" + name.name, name.inode);
    }

    std::shared_ptr<XfsImage> image_;
    TreeCollector collector_;
};

}  // namespace

FoundTree read_xfs(const std::string& file) {
    return XfsReader(file).run();
}

}  // namespace insitu::apps
