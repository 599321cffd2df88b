// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/rename_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace insitu {

std::optional<std::string> why_not_renamed_over(const std::string& path, int fd) {
    struct statx extended {};
    if (::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS, &extended) == 0 &&
        (extended.stx_attributes_mask & extended.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
        return "it is a mount point";
    }
    // rename(2): in a sticky directory only the owner of either, or a privileged process, may.
    struct stat file {};
    struct stat directory {};
    const std::string parent = std::filesystem::path(path).parent_path().string();
    if (::geteuid() == 0 || ::fstat(fd, &file) != 0 || ::stat(parent.c_str(), &directory) != 0) {
        return std::nullopt;
    }
    const bool is_sticky = (directory.st_mode & S_ISVTX) != 0;
    if (is_sticky && file.st_uid != ::geteuid() && directory.st_uid != ::geteuid()) {
        return "it belongs to another user in a sticky directory";
    }
    return std::nullopt;
}

bool is_missing_device(const std::string& directory) {
    struct stat parent {};
    struct stat devices {};
    return ::stat(directory.c_str(), &parent) == 0 && ::stat("/dev", &devices) == 0 &&
           parent.st_dev == devices.st_dev && directory.starts_with("/dev");
}

}  // namespace insitu
