// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "mkfs/ext_handle.hpp"
#include "mkfs/ext_writer.hpp"

namespace insitu::apps {

namespace {

constexpr std::uint64_t first_super_at = 1024;

// Where the copies of the super block are, in bytes.
std::vector<std::uint64_t> super_places(ext2_filsys fs) {
    std::vector<std::uint64_t> places{first_super_at};
    for (dgrp_t group = 1; group < fs->group_desc_count; ++group) {
        if (::ext2fs_bg_has_super(fs, group) == 0) continue;
        places.push_back(::ext2fs_group_first_block2(fs, group) * fs->blocksize);
    }
    return places;
}

void set_super_times(struct ext2_super_block& super, std::int64_t epoch) {
    const auto low = static_cast<std::uint32_t>(epoch);
    const auto high = static_cast<std::uint8_t>(static_cast<std::uint64_t>(epoch) >> 32);
    super.s_wtime = super.s_lastcheck = super.s_mkfs_time = low;
    super.s_wtime_hi = super.s_lastcheck_hi = super.s_mkfs_time_hi = high;
    constexpr std::uint32_t metadata_csum = 0x400;
    if ((super.s_feature_ro_compat & metadata_csum) == 0) return;
    super.s_checksum = ::ext2fs_crc32c_le(~0U, reinterpret_cast<const unsigned char*>(&super),
                                          offsetof(struct ext2_super_block, s_checksum));
}

void patch_super(int fd, const std::string& file, std::uint64_t at, std::int64_t epoch) {
    struct ext2_super_block super {};
    if (::pread(fd, &super, sizeof super, static_cast<off_t>(at)) != sizeof super) {
        throw io_error({.file = file}, "cannot read a super block", errno);
    }
    set_super_times(super, epoch);
    if (::pwrite(fd, &super, sizeof super, static_cast<off_t>(at)) != sizeof super) {
        throw io_error({.file = file}, "cannot write a super block", errno);
    }
}

// Inodes of the file system itself, and lost+found if mke2fs has made it.
void settle_inodes(ext2_filsys fs, const std::string& file, const Tree& tree, std::int64_t epoch) {
    const bool has_lost_and_found =
        std::any_of(tree.entries.begin(), tree.entries.end(),
                    [](const Entry& entry) { return entry.path == "lost+found"; });
    for (ext2_ino_t number = 1; number <= EXT2_FIRST_INO(fs->super); ++number) {
        const bool of_tree = number == EXT2_ROOT_INO
                                 ? !tree.empty()
                                 : number == EXT2_FIRST_INO(fs->super) && has_lost_and_found;
        if (of_tree) continue;
        struct ext2_inode_large inode {};
        auto* const plain = reinterpret_cast<struct ext2_inode*>(&inode);
        check_ext(::ext2fs_read_inode_full(fs, number, plain, sizeof inode), file,
                  "cannot read an inode");
        const bool used = inode.i_mtime != 0 || inode.i_ctime != 0 || inode.i_links_count != 0;
        if (!used) continue;
        inode.i_atime = inode.i_ctime = inode.i_mtime = static_cast<std::uint32_t>(epoch);
        if (EXT2_INODE_SIZE(fs->super) > EXT2_GOOD_OLD_INODE_SIZE) {
            inode.i_atime_extra = inode.i_ctime_extra = inode.i_mtime_extra = 0;
            if (inode.i_crtime != 0) inode.i_crtime = static_cast<std::uint32_t>(epoch);
            inode.i_crtime_extra = 0;
        }
        check_ext(::ext2fs_write_inode_full(fs, number, plain, sizeof inode), file,
                  "cannot write an inode");
    }
}

}  // namespace

void settle_ext_super(const std::string& file, const Tree& tree, std::int64_t epoch) {
    ExtHandle fs(file, ExtHandle::Mode::write);
    fs.set_now(epoch);
    settle_inodes(fs.get(), file, tree, epoch);
    const std::vector<std::uint64_t> places = super_places(fs.get());
    fs.close();
    // What the library writes at the end has the time of writing, if the epoch is 0.
    const UniqueFd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) throw io_error({.file = file}, "cannot open", errno);
    for (const std::uint64_t at : places)
        patch_super(fd.get(), file, at, epoch);
}

}  // namespace insitu::apps
