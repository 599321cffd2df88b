#include "store/disk_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <map>
#include <mutex>

#include "insitu/error.hpp"
#include "store/file_lock.hpp"

namespace insitu {

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
    const int kind = access == Access::read ? LOCK_SH : LOCK_EX;
    if (::flock(lock->fd_.get(), kind | LOCK_NB) != 0) {
        throw Error(ErrorKind::refused, {.file = device},
                    fmt::format("another program holds the lock of {}", disk),
                    "wait for it, or see lsof for who it is", errno);
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
