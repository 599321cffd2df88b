// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/loop_users.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "store/loop_status.hpp"
#include "store/sysfs.hpp"

namespace insitu {

namespace {

namespace fs = std::filesystem;

// Anything but a clear answer is an error: without descriptors or memory every device would look
// free.
[[noreturn]] void cannot_find_out(const std::string& place) {
    throw io_error({.file = place}, "cannot find out who uses the image", errno);
}

// What is gone meanwhile, or has no medium, is in nobody's use.
bool is_gone(int os_error) noexcept {
    return os_error == ENOENT || os_error == ENXIO || os_error == ENODEV || os_error == ENOMEDIUM;
}

std::optional<std::string> backing_file(const fs::path& sys) {
    const std::string place = sys / "loop/backing_file";
    const UniqueFd fd(::open(place.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && !is_gone(errno) && errno != ENOTDIR) cannot_find_out(place);
    if (!fd) return std::nullopt;
    // A page is all that such a file can hold.
    std::string path(block_bytes, '\0');
    const ssize_t length = ::read(fd.get(), path.data(), path.size());
    if (length < 0 && !is_gone(errno)) cannot_find_out(place);
    path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    while (path.ends_with('\n'))
        path.pop_back();
    return path.empty() ? std::nullopt : std::optional(path);
}

bool backed_by(const fs::path& sys, const struct stat& file) {
    const auto path = backing_file(sys);
    struct stat status {};
    return path && ::stat(path->c_str(), &status) == 0 && status.st_dev == file.st_dev &&
           status.st_ino == file.st_ino;
}

bool is_claimed(const std::string& device) {
    const UniqueFd fd(::open(device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    if (fd || is_gone(errno) || errno == EACCES || errno == EPERM) return false;
    if (errno != EBUSY) cannot_find_out(device);
    return true;
}

// std::filesystem's iterators end the program where there is no memory.
std::vector<fs::path> entries(const fs::path& directory) {
    struct Close {
        void operator()(DIR* open) const noexcept { ::closedir(open); }
    };
    std::vector<fs::path> found;
    const std::unique_ptr<DIR, Close> open(::opendir(directory.c_str()));
    if (!open && !is_gone(errno)) cannot_find_out(directory);
    if (!open) return found;
    for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(open.get());
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") found.push_back(directory / name);
    }
    if (errno != 0 && !is_gone(errno)) cannot_find_out(directory);
    return found;
}

// The kernel answers for every kind of holder; who may not open the device sees the stacked ones.
bool is_held(const fs::path& sys, const std::string& device) {
    if (is_claimed(device)) return true;
    return !entries(sys / "holders").empty();
}

std::optional<std::string> busy_loop_over(const struct stat& file) {
    for (const fs::path& sys : entries("/sys/block")) {
        const std::string name = sys.filename().string();
        if (!name.starts_with("loop") || !backed_by(sys, file)) continue;
        const std::string device = "/dev/" + name;
        if (is_held(sys, device)) return device;
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
