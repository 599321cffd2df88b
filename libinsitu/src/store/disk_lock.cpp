// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/disk_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "insitu/error.hpp"
#include "store/file_lock.hpp"

namespace insitu {

namespace {

// udev holds the lock for moments, whenever a device appears or a writer closes it.
bool wait_for_lock(int fd, int kind) {
    constexpr auto patience = std::chrono::seconds(5);
    constexpr auto step = std::chrono::milliseconds(50);
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (::flock(fd, kind | LOCK_NB) == 0) return true;
        if (errno != EWOULDBLOCK && errno != EINTR) return false;
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(step);
    }
}

std::string command_of(const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/comm");
    std::string command;
    return std::getline(file, command) ? command : "a process";
}

// " (udevd, 312)": who holds a flock(2) on the node, as far as /proc shows it.
std::string holders(int fd) {
    struct stat node {};
    if (::fstat(fd, &node) != 0) return {};
    const std::string inode =
        fmt::format("{:02x}:{:02x}:{}", major(node.st_dev), minor(node.st_dev), node.st_ino);
    std::string found;
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        std::istringstream words(line);
        std::string number, kind, mode, access, pid, place;
        if (!(words >> number >> kind >> mode >> access >> pid >> place)) continue;
        if (kind != "FLOCK" || place != inode) continue;
        found += fmt::format("{}{}, {}", found.empty() ? " (" : "; ", command_of(pid), pid);
    }
    return found.empty() ? found : found + ")";
}

}  // namespace

std::shared_ptr<DiskLock> DiskLock::take(const std::string& disk, const std::string& device,
                                         Access access) {
    static std::mutex mutex;
    static std::map<std::string, std::weak_ptr<DiskLock>> taken;
    const std::lock_guard guard(mutex);
    std::shared_ptr<DiskLock> lock = taken[disk].lock();
    if (!lock) {
        UniqueFd fd(::open(disk.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!fd) return nullptr;
        lock = std::make_shared<DiskLock>(std::move(fd), open_backing_file(disk));
    } else if (lock->exclusive_ || access == Access::read) {
        return lock;
    }
    if (!wait_for_lock(lock->fd_.get(), access == Access::read ? LOCK_SH : LOCK_EX)) {
        throw Error(
            ErrorKind::refused, {.file = device},
            fmt::format("another program holds the lock of {}{}", disk, holders(lock->fd_.get())),
            "wait for it to end", EWOULDBLOCK);
    }
    // Only what may write to a file can lock it against everybody.
    if (lock->file_ && (access == Access::read || lock->file_->access == Access::read_write)) {
        lock_file(lock->file_->fd.get(), lock->file_->path, access);
    }
    lock->exclusive_ = access == Access::read_write;
    taken[disk] = lock;
    return lock;
}

}  // namespace insitu
