// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/ext_inode.hpp"

#include <sys/stat.h>

#include <cstring>
#include <vector>

#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

// The seconds' low 32 bits, and two bits above them beside the nanoseconds.
void set_time(std::uint32_t& seconds, std::uint32_t* extra, const Timestamp& time) {
    seconds = static_cast<std::uint32_t>(time.seconds);
    if (extra == nullptr) return;
    const auto low = static_cast<std::int32_t>(seconds);
    const auto epoch = static_cast<std::uint32_t>(((time.seconds - low) >> 32) & 3);
    *extra = (time.nanoseconds << 2) | epoch;
}

// As the kernel numbers devices: an old form if it suffices.
void set_device(struct ext2_inode_large& inode, std::uint32_t major, std::uint32_t minor) {
    constexpr std::uint32_t old_limit = 256;
    if (major < old_limit && minor < old_limit) {
        inode.i_block[0] = (major << 8) | minor;
    } else {
        inode.i_block[1] = (minor & 0xffU) | (major << 8) | ((minor & ~0xffU) << 12);
    }
}

}  // namespace

std::uint8_t file_type_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return EXT2_FT_DIR;
        case S_IFLNK:
            return EXT2_FT_SYMLINK;
        case S_IFCHR:
            return EXT2_FT_CHRDEV;
        case S_IFBLK:
            return EXT2_FT_BLKDEV;
        case S_IFIFO:
            return EXT2_FT_FIFO;
        case S_IFSOCK:
            return EXT2_FT_SOCK;
        default:
            return EXT2_FT_REG_FILE;
    }
}

void set_attributes(ext2_filsys fs, struct ext2_inode_large& inode, const Entry& entry,
                    std::optional<std::int64_t> epoch) {
    const bool large = EXT2_INODE_SIZE(fs->super) > EXT2_GOOD_OLD_INODE_SIZE;
    constexpr mode_t all_links = 0777;
    inode.i_mode = static_cast<std::uint16_t>(entry.is(S_IFLNK) ? S_IFLNK | all_links : entry.mode);
    inode.i_uid = static_cast<std::uint16_t>(entry.uid);
    inode.osd2.linux2.l_i_uid_high = static_cast<std::uint16_t>(entry.uid >> 16);
    inode.i_gid = static_cast<std::uint16_t>(entry.gid);
    inode.osd2.linux2.l_i_gid_high = static_cast<std::uint16_t>(entry.gid >> 16);
    const Timestamp now{epoch.value_or(0), 0};
    set_time(inode.i_mtime, large ? &inode.i_mtime_extra : nullptr, entry.modified);
    set_time(inode.i_atime, large ? &inode.i_atime_extra : nullptr, epoch ? now : entry.accessed);
    set_time(inode.i_ctime, large ? &inode.i_ctime_extra : nullptr, epoch ? now : entry.changed);
    if (large) {
        inode.i_extra_isize = sizeof(struct ext2_inode_large) - EXT2_GOOD_OLD_INODE_SIZE;
        set_time(inode.i_crtime, &inode.i_crtime_extra, epoch ? now : entry.modified);
    }
    if (entry.is(S_IFCHR) || entry.is(S_IFBLK)) {
        set_device(inode, entry.device_major, entry.device_minor);
    }
}

void write_xattrs(ext2_filsys fs, ext2_ino_t number, const Entry& entry) {
    if (entry.xattrs.empty()) return;
    struct ext2_xattr_handle* handle = nullptr;
    check_ext(::ext2fs_xattrs_open(fs, number, &handle), entry.path,
              "cannot write its extended attributes");
    errcode_t code = ::ext2fs_xattrs_read(handle);
    for (const auto& [name, value] : entry.xattrs) {
        if (code != 0) break;
        code = ::ext2fs_xattr_set(handle, name.c_str(), value.data(), value.size());
    }
    ::ext2fs_xattrs_close(&handle);
    if (code == EXT2_ET_EA_NO_SPACE) {
        throw Error(ErrorKind::refused, {.file = printable(entry.path)},
                    "has more extended attributes than fit into its inode and a block",
                    "-- -O ea_inode makes room for large ones");
    }
    check_ext(code, entry.path, "cannot write its extended attributes");
}

void write_names(ext2_filsys fs, std::uint64_t block, ext2_ino_t directory, const ExtName* names,
                 std::size_t count, const ExtShape& shape) {
    std::vector<char> buffer(shape.block_bytes, '\0');
    constexpr std::uint32_t tail_bytes = sizeof(struct ext2_dir_entry_tail);
    const std::uint32_t end = shape.block_bytes - (shape.checksums ? tail_bytes : 0);
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto length = static_cast<std::uint32_t>(names[i].name.size());
        const std::uint32_t bytes = i + 1 == count ? end - at : (8 + length + 3) & ~3U;
        auto* const entry = reinterpret_cast<struct ext2_dir_entry*>(buffer.data() + at);
        entry->inode = names[i].inode;
        ::ext2fs_set_rec_len(fs, bytes, entry);
        ::ext2fs_dirent_set_name_len(entry, static_cast<int>(length));
        if (ext2fs_has_feature_filetype(fs->super)) {
            ::ext2fs_dirent_set_file_type(entry, names[i].kind);
        }
        std::memcpy(entry->name, names[i].name.data(), length);
        at += bytes;
    }
    if (shape.checksums) {
        ::ext2fs_initialize_dirent_tail(fs, EXT2_DIRENT_TAIL(buffer.data(), shape.block_bytes));
    }
    check_ext(::ext2fs_write_dir_block4(fs, block, buffer.data(), 0, directory), names[0].name,
              "cannot write a directory");
}

ExtMapper::ExtMapper(ext2_filsys fs, ext2_ino_t number, struct ext2_inode* inode,
                     const std::string& path)
    : fs_(fs), number_(number), inode_(inode), path_(path) {
    if ((inode->i_flags & EXT4_EXTENTS_FL) == 0) return;
    check_ext(::ext2fs_extent_open2(fs, number, inode, &handle_), path, "cannot map its blocks");
}

ExtMapper::~ExtMapper() {
    if (handle_ != nullptr) ::ext2fs_extent_free(handle_);
}

void ExtMapper::map(std::uint64_t logical, std::uint64_t physical, std::uint64_t count) {
    if (handle_ != nullptr) {
        struct ext2fs_extent extent {};
        extent.e_lblk = logical;
        extent.e_pblk = physical;
        extent.e_len = static_cast<std::uint32_t>(count);
        check_ext(::ext2fs_extent_insert(handle_, EXT2_EXTENT_INSERT_AFTER, &extent), path_,
                  "cannot map its blocks");
        check_ext(::ext2fs_extent_fix_parents(handle_), path_, "cannot map its blocks");
        return;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        blk64_t block = physical + i;
        check_ext(::ext2fs_bmap2(fs_, number_, inode_, nullptr, BMAP_ALLOC | BMAP_SET, logical + i,
                                 nullptr, &block),
                  path_, "cannot map its blocks");
    }
}

void ExtMapper::finish() {
    if (handle_ == nullptr) return;
    ::ext2fs_extent_free(handle_);
    handle_ = nullptr;
}

}  // namespace insitu::apps
