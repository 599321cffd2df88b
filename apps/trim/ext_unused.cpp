// SPDX-License-Identifier: GPL-2.0-or-later
#include "trim/ext_unused.hpp"

#include <fmt/format.h>

#include "insitu/error.hpp"
#include "mkfs/ext_handle.hpp"
#include "mkfs/read_channel.hpp"

namespace insitu::apps {

namespace {

constexpr auto check_hint = "e2fsck -f repairs it; insitu-attach makes a device of the image";

[[noreturn]] void refuse(const std::string& name, const std::string& text,
                         const char* hint = check_hint) {
    throw Error(ErrorKind::refused, {.file = name}, text, hint);
}

// What the super block says of the last use.
void require_clean(const ExtHandle& fs, const std::string& name) {
    const struct ext2_super_block& super = *fs->super;
    const bool replay = (super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) != 0;
    if (replay) {
        refuse(name,
               "the file system inside is mounted, or its journal waits to be replayed: what its "
               "bitmaps say is not the last word",
               "unmount it, or mount it once and unmount it");
    }
    if ((super.s_state & EXT2_ERROR_FS) != 0) refuse(name, "the file system inside has errors");
    if ((super.s_state & EXT2_VALID_FS) == 0) {
        refuse(name, "the file system inside is mounted, or was not unmounted cleanly");
    }
}

class BitmapCheck {
  public:
    BitmapCheck(const ExtHandle& fs, const std::string& name) : fs_(fs), name_(name) {}

    void run() const {
        blk64_t free_blocks = 0;
        for (dgrp_t group = 0; group < fs_->group_desc_count; ++group)
            free_blocks += check_group(group);
        const blk64_t stated = ::ext2fs_free_blocks_count(fs_->super);
        if (free_blocks == stated) return;
        refuse(name_, fmt::format("the bitmaps of the file system inside have {} free blocks, its "
                                  "super block says {}",
                                  free_blocks, stated));
    }

  private:
    bool is_used(blk64_t block) const {
        return ::ext2fs_test_block_bitmap2(fs_->block_map, block) != 0;
    }

    // In blocks. Free counts are of clusters, which are blocks without bigalloc.
    blk64_t check_group(dgrp_t group) const {
        const blk64_t first = ::ext2fs_group_first_block2(fs_.get(), group);
        const blk64_t last = ::ext2fs_group_last_block2(fs_.get(), group);
        const auto cluster = static_cast<blk64_t>(EXT2FS_CLUSTER_RATIO(fs_.get()));
        blk64_t free_clusters = 0;
        for (blk64_t block = first; block <= last; block += cluster)
            free_clusters += is_used(block) ? 0 : 1;
        const blk64_t stated = ::ext2fs_bg_free_blocks_count(fs_.get(), group);
        if (free_clusters != stated) {
            refuse(name_, fmt::format("the bitmap of group {} of the file system inside has {} "
                                      "free clusters, its descriptor says {}",
                                      group, free_clusters, stated));
        }
        check_tables(group);
        return free_clusters * cluster;
    }

    void check_tables(dgrp_t group) const {
        const auto require_used = [&](blk64_t block, const char* what) {
            if (block != 0 && block < ::ext2fs_blocks_count(fs_->super) && is_used(block)) return;
            refuse(name_, fmt::format("block {} of the file system inside is {} of group {}, and "
                                      "its bitmap has it as free",
                                      block, what, group));
        };
        require_used(::ext2fs_block_bitmap_loc(fs_.get(), group), "the block bitmap");
        require_used(::ext2fs_inode_bitmap_loc(fs_.get(), group), "the inode bitmap");
        const blk64_t table = ::ext2fs_inode_table_loc(fs_.get(), group);
        for (blk64_t i = 0; i < fs_->inode_blocks_per_group; ++i)
            require_used(table + i, "in the inode table");
    }

    const ExtHandle& fs_;
    const std::string& name_;
};

std::vector<ByteRange> unused_ranges(const ExtHandle& fs, std::uint64_t at_byte) {
    std::vector<ByteRange> ranges;
    const blk64_t last = ::ext2fs_blocks_count(fs->super) - 1;
    blk64_t next = fs->super->s_first_data_block;
    while (next <= last) {
        blk64_t first = 0;
        if (::ext2fs_find_first_zero_block_bitmap2(fs->block_map, next, last, &first) != 0) break;
        blk64_t end = 0;
        const errcode_t found =
            ::ext2fs_find_first_set_block_bitmap2(fs->block_map, first, last, &end);
        if (found != 0) end = last + 1;
        ranges.push_back({at_byte + first * fs->blocksize, (end - first) * fs->blocksize});
        next = end;
    }
    return ranges;
}

}  // namespace

ExtUsage read_ext_usage(const OpenedImage& image, const std::string& name, std::uint64_t at_byte) {
    if (at_byte > image.size_bytes()) {
        refuse(name,
               fmt::format("has no byte {}, where the file system would start: --offset is "
                           "beyond its end",
                           at_byte),
               "--offset says where in the image the file system starts");
    }
    const ReadChannel channel(
        image.size_bytes() - at_byte,
        [&](std::uint64_t at, std::span<std::byte> output) { image.read(at_byte + at, output); });
    if (!channel.holds_ext()) {
        refuse(name, fmt::format("no ext2, ext3 or ext4 file system is found at byte {}", at_byte),
               "--offset says where in the image it starts; --unused names the bytes that another "
               "one does not use");
    }
    const ExtHandle fs(name, ExtHandle::Mode::read, ReadChannel::manager());
    require_clean(fs, name);
    ExtUsage usage;
    usage.at_byte = at_byte;
    usage.size_bytes = ::ext2fs_blocks_count(fs->super) * fs->blocksize;
    if (usage.size_bytes > image.size_bytes() - at_byte) {
        refuse(name, fmt::format("the file system inside has {} bytes, from byte {} on the image "
                                 "holds {}",
                                 usage.size_bytes, at_byte, image.size_bytes() - at_byte));
    }
    BitmapCheck(fs, name).run();
    usage.unused = unused_ranges(fs, at_byte);
    return usage;
}

}  // namespace insitu::apps
