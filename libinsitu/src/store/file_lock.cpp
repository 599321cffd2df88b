// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/file_lock.hpp"

#include <fcntl.h>

#include <cerrno>

#include "insitu/error.hpp"

namespace insitu {

namespace {

bool try_lock(int fd, Access access) {
    struct flock lock {};
    lock.l_type = access == Access::read ? F_RDLCK : F_WRLCK;
    lock.l_whence = SEEK_SET;
    return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool is_held_by_another() {
    return errno == EAGAIN || errno == EACCES;
}

}  // namespace

void lock_replaced_file(int fd, const std::string& name) {
    if (try_lock(fd, Access::read_write)) return;
    if (is_held_by_another() && try_lock(fd, Access::read)) return;
    lock_file(fd, name, Access::read_write);
}

void lock_file(int fd, const std::string& name, Access access) {
    if (try_lock(fd, access)) return;
    if (is_held_by_another()) {
        if (access == Access::read) {
            throw Error(ErrorKind::refused, {.file = name}, "another program is writing to it",
                        "wait for it, or read all the same with --force-share");
        }
        throw Error(ErrorKind::refused, {.file = name}, "another program has it open",
                    "wait for it, or see lsof for who it is");
    }
    // Some network file systems have no locks at all; that must not keep anybody from his file.
    if (errno != ENOLCK && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS) {
        throw io_error({.file = name}, "cannot lock", errno);
    }
}

}  // namespace insitu
