// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/ext_handle.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string_view>

#include "common/printable.hpp"
#include "insitu/error.hpp"

namespace insitu::apps {

void check_ext(errcode_t code, const std::string& place, const char* what) {
    if (code == 0) return;
    const std::string file = place.empty() ? "the top of the tree" : printable(place);
    // So the library says that no inode is free.
    if (code == ENOENT && std::string_view(what) == no_inode) code = EXT2_ET_INODE_ALLOC_FAIL;
    constexpr errcode_t largest_errno = 4096;
    // The library names a write that was cut short, and not why: the host is full.
    if (code == EXT2_ET_SHORT_WRITE) code = ENOSPC;
    if (code < largest_errno) throw io_error({.file = file}, what, static_cast<int>(code));
    if (code == EXT2_ET_INODE_ALLOC_FAIL) {
        throw Error(ErrorKind::refused, {.file = file},
                    "no inode is left in the file system for it",
                    "a larger SIZE, or more inodes (-- -N, or a smaller -- -i)");
    }
    const bool full = code == EXT2_ET_BLOCK_ALLOC_FAIL;
    throw Error(ErrorKind::refused, {.file = file},
                full ? std::string("no space is left in the file system for it")
                     : fmt::format("{}: {}", what, ::error_message(code)),
                full ? "a larger SIZE, or none, gives it more room" : "");
}

ExtHandle::ExtHandle(const std::string& file, Mode mode, io_manager manager) : file_(file) {
    ::initialize_ext2_error_table();
    const int flags =
        EXT2_FLAG_64BITS | EXT2_FLAG_THREADS | (mode == Mode::write ? EXT2_FLAG_RW : 0);
    check_ext(::ext2fs_open(file.c_str(), flags, 0, 0, manager, &fs_), file, "cannot open");
    const errcode_t bitmaps = ::ext2fs_read_bitmaps(fs_);
    if (bitmaps != 0) ::ext2fs_free(fs_);
    check_ext(bitmaps, file, "cannot read its bitmaps");
}

ExtHandle::~ExtHandle() {
    if (fs_ != nullptr) ::ext2fs_free(fs_);
}

void ExtHandle::set_now(std::int64_t seconds) {
    fs_->now = static_cast<decltype(fs_->now)>(seconds);
    if (fs_->now == seconds) return;
    throw Error(ErrorKind::refused, {.file = file_},
                fmt::format("libext2fs has no time for second {} here", seconds),
                "SOURCE_DATE_EPOCH up to 2147483647 (2038)");
}

// What is made is packed and then thrown away, so nothing waits until it is on the disk. Without a
// cache the library notices by itself what cannot be written.
void ExtHandle::close() {
    check_ext(::io_channel_set_options(fs_->io, "cache=off"), file_, "cannot write");
    const errcode_t code = ::ext2fs_close2(fs_, EXT2_FLAG_FLUSH_NO_SYNC);
    if (code != 0) ::ext2fs_free(fs_);
    fs_ = nullptr;
    check_ext(code, file_, "cannot write");
}

}  // namespace insitu::apps
