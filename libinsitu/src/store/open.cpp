#include "insitu/store/open.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <fstream>

#include "insitu/error.hpp"
#include "insitu/store/file_store.hpp"
#include "store/file_lock.hpp"
#include "store/loop_users.hpp"

namespace insitu {

namespace {

std::optional<struct stat> stat_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return status;
    if (errno == ENOENT) return std::nullopt;
    throw io_error({.file = path}, "cannot look up", errno);
}

// The file below a loop device, if it is one.
std::optional<struct stat> loop_backing(const struct stat& device) {
    if (!S_ISBLK(device.st_mode)) return std::nullopt;
    const std::string node =
        fmt::format("/sys/dev/block/{}:{}/", major(device.st_rdev), minor(device.st_rdev));
    for (const char* link : {"loop/backing_file", "../loop/backing_file"}) {
        std::ifstream file(node + link);
        std::string path;
        struct stat status {};
        if (std::getline(file, path) && ::stat(path.c_str(), &status) == 0) return status;
    }
    return std::nullopt;
}

bool same_node(const struct stat& a, const struct stat& b) {
    if (S_ISBLK(a.st_mode) && S_ISBLK(b.st_mode)) return a.st_rdev == b.st_rdev;
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// What holds a loop device over the file writes to the file behind any lock.
void refuse_busy_loop(int fd, const std::string& path) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw io_error({.file = path}, "cannot stat", errno);
    const auto device = busy_loop_over(status);
    if (!device) return;
    throw Error(
        ErrorKind::refused, {.file = path},
        fmt::format("is in use through {} (mounted, swap, or held by another program)", *device),
        "unmount or release it first; lsblk shows who holds it");
}

}  // namespace

NodeKind node_kind(const std::string& path) {
    const auto status = stat_of(path);
    if (!status) return NodeKind::missing;
    if (S_ISREG(status->st_mode)) return NodeKind::regular_file;
    if (S_ISBLK(status->st_mode)) return NodeKind::block_device;
    if (S_ISDIR(status->st_mode)) return NodeKind::directory;
    return NodeKind::stream;
}

std::unique_ptr<Store> open_store(const std::string& path, Access access, Sharing sharing) {
    switch (node_kind(path)) {
        case NodeKind::missing:
            throw io_error({.file = path}, "cannot open", ENOENT);
        case NodeKind::directory:
            throw Error(ErrorKind::refused, {.file = path},
                        "is a directory, a file or block device is expected");
        case NodeKind::stream:
            throw Error(ErrorKind::refused, {.file = path}, "is no regular file or block device");
        case NodeKind::block_device:
            return std::make_unique<BlockDevice>(path, access, sharing);
        case NodeKind::regular_file:
            break;
    }
    const int flags = access == Access::read ? O_RDONLY : O_RDWR;
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (!fd) throw io_error({.file = path}, "cannot open", errno);
    if (sharing == Sharing::exclusive) {
        lock_file(fd.get(), path, access);
        refuse_busy_loop(fd.get(), path);
    }
    return std::make_unique<FileStore>(std::move(fd), path);
}

bool same_storage(const std::string& a, const std::string& b) {
    const auto left = stat_of(a);
    const auto right = stat_of(b);
    if (!left || !right) return false;
    if (same_node(*left, *right)) return true;
    const auto below_left = loop_backing(*left);
    if (below_left && same_node(*below_left, *right)) return true;
    const auto below_right = loop_backing(*right);
    return below_right && same_node(*left, *below_right);
}

}  // namespace insitu
