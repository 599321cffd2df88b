// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/loop_users.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>

#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "store/loop_status.hpp"
#include "store/sysfs.hpp"

namespace insitu {

namespace {

namespace fs = std::filesystem;

std::optional<std::string> backing_file(const fs::path& sys) {
    std::ifstream link(sys / "loop/backing_file");
    std::string path;
    return std::getline(link, path) ? std::optional(path) : std::nullopt;
}

bool backed_by(const fs::path& sys, const struct stat& file) {
    const auto path = backing_file(sys);
    struct stat status {};
    return path && ::stat(path->c_str(), &status) == 0 && status.st_dev == file.st_dev &&
           status.st_ino == file.st_ino;
}

bool is_claimed(const std::string& device) {
    const UniqueFd fd(::open(device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    return !fd && errno == EBUSY;
}

// The kernel answers for every kind of holder; who may not open the device sees the stacked ones.
bool is_held(const fs::path& sys, const std::string& device) {
    if (is_claimed(device)) return true;
    std::error_code failed;
    return fs::directory_iterator(sys / "holders", failed) != fs::directory_iterator();
}

std::optional<std::string> busy_loop_over(const struct stat& file) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator("/sys/block", failed)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with("loop") || !backed_by(entry.path(), file)) continue;
        const std::string device = "/dev/" + name;
        if (is_held(entry.path(), device)) return device;
    }
    return std::nullopt;
}

// The same without /sys: the devices themselves are asked. If they do not answer, nothing is
// written; what is read may change meanwhile, which is all that can happen. A bare chroot, where
// there is nobody to ask, has no loop devices.
std::optional<std::string> busy_loop_by_status(const struct stat& file, const std::string& path,
                                               Access access) {
    const std::vector<std::string> devices = possible_loops();
    bool known = true;
    for (const std::string& device : devices) {
        const LoopFile status = file_of_loop(device, file);
        if (status == LoopFile::this_one && is_claimed(device)) return device;
        known = known && status != LoopFile::unknown;
    }
    if (!known && access == Access::read_write) refuse_without_sysfs(path);
    return std::nullopt;
}

}  // namespace

void refuse_busy_loop(int fd, const std::string& path, Access access) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw io_error({.file = path}, "cannot stat", errno);
    const auto device =
        sysfs_lists_devices() ? busy_loop_over(status) : busy_loop_by_status(status, path, access);
    if (!device) return;
    throw Error(
        ErrorKind::refused, {.file = path},
        fmt::format("is in use through {} (mounted, swap, or held by another program)", *device),
        "unmount or release it first; lsblk shows who holds it");
}

std::optional<BackingFile> open_backing_file(const std::string& device) {
    auto path = backing_file(fs::path("/sys/block") / fs::path(device).filename());
    if (!path) return std::nullopt;
    UniqueFd fd(::open(path->c_str(), O_RDWR | O_CLOEXEC));
    if (fd) return BackingFile{std::move(fd), std::move(*path), Access::read_write};
    fd = UniqueFd(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return std::nullopt;
    return BackingFile{std::move(fd), std::move(*path), Access::read};
}

}  // namespace insitu
