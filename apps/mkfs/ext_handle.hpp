// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// This header does not say that it is of C.
extern "C" {
#include <et/com_err.h>
}
#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#include <cstdint>
#include <string>

namespace insitu::apps {

// An ext2, ext3 or ext4 file system in a file, through libext2fs.
class ExtHandle {
  public:
    enum class Mode { read, write };
    // `manager` reads what `file` names. Throws an `io` Error.
    ExtHandle(const std::string& file, Mode mode, io_manager manager = unix_io_manager);
    ~ExtHandle();
    ExtHandle(const ExtHandle&) = delete;
    ExtHandle& operator=(const ExtHandle&) = delete;

    ext2_filsys get() const noexcept { return fs_; }
    ext2_filsys operator->() const noexcept { return fs_; }
    // The time that the library gives to what it makes itself. Throws a `refused` Error if the
    // library's times are too narrow for it: 32 bits on some 32-bit systems.
    void set_now(std::int64_t seconds);
    // Writes what is still in memory, without a sync; failure is an `io` Error.
    void close();

  private:
    std::string file_;
    ext2_filsys fs_ = nullptr;
};

// Throws for a code of libext2fs that is not 0, naming the entry: an `io` Error if it is an errno,
// a `refused` one else. `place` is the path of an entry, or a file.
constexpr const char* no_inode = "no inode";

void check_ext(errcode_t code, const std::string& place, const char* what);

}  // namespace insitu::apps
