// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/open_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/store/file_store.hpp"
#include "insitu/internal/store/nbd_store.hpp"
#include "store/file_lock.hpp"
#include "store/loop_users.hpp"
#include "store/sysfs.hpp"

namespace insitu {

namespace fs = std::filesystem;

namespace {

std::optional<struct stat> stat_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return status;
    if (errno == ENOENT) return std::nullopt;
    throw io_error({.file = path}, "cannot look up", errno);
}

// A file or device, whatever its name.
struct Node {
    bool is_device = false;
    dev_t device = 0;  // of the device itself, or of the file's file system
    ino_t inode = 0;   // of a file

    friend bool operator==(const Node&, const Node&) = default;
};

Node node_of(const struct stat& status) {
    if (S_ISBLK(status.st_mode)) return {true, status.st_rdev, 0};
    return {false, status.st_dev, status.st_ino};
}

// Whether a device may be below or above this one.
bool may_hold(const struct stat& status) {
    return S_ISBLK(status.st_mode) || S_ISREG(status.st_mode);
}

// The device whose number, "7:0", is in a file of sysfs.
std::optional<Node> device_in(const fs::path& file) {
    std::ifstream input(file);
    unsigned major_number = 0;
    unsigned minor_number = 0;
    char colon = 0;
    if (!(input >> major_number >> colon >> minor_number)) return std::nullopt;
    return Node{true, makedev(major_number, minor_number), 0};
}

// What lies directly below a device: the file of a loop device, the disk of a partition, the
// devices of a mapped one.
std::vector<Node> below(const Node& node) {
    std::vector<Node> found;
    if (!node.is_device) return found;
    const auto directory = sysfs_directory(node.device);
    if (!directory) return found;
    const fs::path& sys = *directory;
    std::error_code failed;
    std::ifstream backing(sys / "loop" / "backing_file");
    struct stat status {};
    if (std::string path; std::getline(backing, path) && ::stat(path.c_str(), &status) == 0) {
        found.push_back(node_of(status));
    }
    const auto add_device = [&found](const fs::path& file) {
        if (const auto device = device_in(file)) found.push_back(*device);
    };
    if (fs::exists(sys / "partition", failed)) add_device(sys.parent_path() / "dev");
    for (fs::directory_iterator it(sys / "slaves", failed), end; !failed && it != end;
         it.increment(failed)) {
        add_device(it->path() / "dev");
    }
    return found;
}

bool lies_on(const Node& node, const Node& other, int depth = 0) {
    constexpr int deepest = 16;
    if (node == other) return true;
    if (depth == deepest) return false;
    const std::vector<Node> nodes = below(node);
    return std::any_of(nodes.begin(), nodes.end(),
                       [&](const Node& one) { return lies_on(one, other, depth + 1); });
}

}  // namespace

NodeKind node_kind(const std::string& path) {
    if (is_nbd_uri(path)) return NodeKind::remote;
    const auto status = stat_of(path);
    if (!status) return NodeKind::missing;
    if (S_ISREG(status->st_mode)) return NodeKind::regular_file;
    if (S_ISBLK(status->st_mode)) return NodeKind::block_device;
    if (S_ISDIR(status->st_mode)) return NodeKind::directory;
    return NodeKind::stream;
}

OwnedStore open_store(const std::string& path, Access access, Sharing sharing) {
    switch (node_kind(path)) {
        case NodeKind::missing:
            throw io_error({.file = path}, "cannot open", ENOENT);
        case NodeKind::directory:
            throw Error(ErrorKind::refused, {.file = path},
                        "is a directory, a file or block device is expected");
        case NodeKind::stream:
            throw Error(ErrorKind::refused, {.file = path},
                        "is not a regular file or block device");
        case NodeKind::remote:
            return OwnedStore(open_nbd(path, access));
        case NodeKind::block_device:
            return OwnedStore(std::make_unique<BlockDevice>(path, access, sharing));
        case NodeKind::regular_file:
            break;
    }
    const int flags = access == Access::read ? O_RDONLY : O_RDWR;
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (!fd) throw io_error({.file = path}, "cannot open", errno);
    if (sharing == Sharing::exclusive) {
        lock_file(fd.get(), path, access);
        refuse_busy_loop(fd.get(), path, access);
    }
    return OwnedStore(std::make_unique<FileStore>(std::move(fd), path));
}

bool same_storage(const std::string& a, const std::string& b) {
    // What a server has below its exports, nobody can ask it.
    if (is_nbd_uri(a) || is_nbd_uri(b)) return a == b;
    const auto left = stat_of(a);
    const auto right = stat_of(b);
    if (!left || !right) return false;
    const Node one = node_of(*left);
    const Node other = node_of(*right);
    if (one == other) return true;
    // What a device lies on is known to /sys alone; nothing lies on a pipe.
    const bool asks = (one.is_device && may_hold(*right)) || (other.is_device && may_hold(*left));
    if (asks && !sysfs_lists_devices()) refuse_without_sysfs(one.is_device ? a : b);
    return lies_on(one, other) || lies_on(other, one);
}

}  // namespace insitu
