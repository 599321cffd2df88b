#include "store/file_lock.hpp"

#include <fcntl.h>

#include <cerrno>

#include "insitu/error.hpp"

namespace insitu {

void lock_file(int fd, const std::string& name, Access access) {
    struct flock lock {};
    lock.l_type = access == Access::read ? F_RDLCK : F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return;
    if (errno == EAGAIN || errno == EACCES) {
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
