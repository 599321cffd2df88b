// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "insitu/error.hpp"
#include "insitu/open_store.hpp"
#include "store/file_lock.hpp"
#include "store/loop_users.hpp"
#include "store/rename_check.hpp"

namespace insitu {

namespace {

constexpr mode_t read_write_mode = 0666;

std::string resolve(const std::string& path) {
    // A link is written through, not replaced.
    std::error_code failed;
    std::filesystem::path full = std::filesystem::weakly_canonical(path, failed);
    if (failed) full = path;
    full = std::filesystem::absolute(full, failed);
    return failed ? path : full.string();
}

std::string self_path(int fd) {
    return fmt::format("/proc/self/fd/{}", fd);
}

// Nothing can be created in the directory, whatever the file itself allows.
bool is_closed_directory(int cause) {
    return cause == EACCES || cause == EPERM || cause == EROFS || cause == EOPNOTSUPP ||
           cause == ENOSYS;
}

}  // namespace

OutputFile::OutputFile(const std::string& path, std::uint64_t size_bytes, OutputOptions options)
    : shown_name_(path), path_(resolve(path)), size_bytes_(size_bytes) {
    directory_ = std::filesystem::path(path_).parent_path().string();
    const NodeKind kind = node_kind(path_);
    if (kind == NodeKind::directory) {
        throw Error(ErrorKind::refused, {.file = path}, "is a directory, a file name is expected");
    }
    if (kind != NodeKind::missing && kind != NodeKind::regular_file) {
        throw Error(ErrorKind::refused, {.file = path}, "is not a regular file");
    }
    if (kind == NodeKind::missing && is_missing_device(directory_)) {
        throw Error(ErrorKind::refused, {.file = path}, "there is no such device",
                    "lsblk lists the devices; /dev is no place for a file");
    }
    if (kind == NodeKind::regular_file) {
        open_replaced();
        if (const auto reason = why_not_renamed_over(path_, replaced_.get())) {
            write_in_place(options, *reason, EBUSY);
        }
    }
    if (!in_place_) create(options);
    if (!in_place_) store_->resize(size_bytes);
}

void OutputFile::open_replaced() {
    replaced_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!replaced_) throw io_error({.file = shown_name_}, "cannot replace", errno);
    lock_replaced_file(replaced_.get(), shown_name_);
    refuse_busy_loop(replaced_.get(), shown_name_, Access::read_write);
}

void OutputFile::write_in_place(const OutputOptions& options, const std::string& reason,
                                int cause) {
    struct stat old {};
    if (::fstat(replaced_.get(), &old) != 0) {
        throw io_error({.file = shown_name_}, "cannot stat", errno);
    }
    if (old.st_size != 0 && options.in_place == OutputOptions::InPlace::refuse) {
        throw Error(ErrorKind::refused, {.file = shown_name_},
                    fmt::format("cannot be replaced by a finished file: {}", reason),
                    "--in-place writes into the file itself: an interruption then loses what it "
                    "holds",
                    cause);
    }
    // Readers of the file would see it change.
    lock_file(replaced_.get(), shown_name_, Access::read_write);
    UniqueFd fd(::fcntl(replaced_.get(), F_DUPFD_CLOEXEC, 0));
    if (!fd) throw io_error({.file = shown_name_}, "cannot open", errno);
    in_place_ = true;
    store_ = std::make_unique<FileStore>(std::move(fd), shown_name_);
    if (old.st_size == 0) prepare();
}

void OutputFile::prepare() {
    if (!in_place_ || changed_) return;
    changed_ = true;
    store_->resize(0);
    store_->resize(size_bytes_);
}

void OutputFile::create(const OutputOptions& options) {
    UniqueFd fd(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC,
                       read_write_mode & options.mode_limit));
    // Without /proc a nameless file could never be given its name.
    if (fd && ::access(self_path(fd.get()).c_str(), F_OK) == 0) {
        store_ = std::make_unique<FileStore>(std::move(fd), shown_name_);
    } else {
        create_named(options);
    }
    if (in_place_) return;
    struct stat old {};
    if (replaced_ && ::fstat(replaced_.get(), &old) == 0) {
        constexpr mode_t permissions = 07777;
        (void)!::fchown(store_->fd(), old.st_uid, old.st_gid);
        (void)::fchmod(store_->fd(), old.st_mode & permissions);
    }
}

void OutputFile::create_named(const OutputOptions& options) {
    std::string pattern = temporary_prefix() + "XXXXXX";
    UniqueFd fd(::mkostemp(pattern.data(), O_CLOEXEC));
    if (!fd) {
        const int cause = errno;
        if (replaced_ && is_closed_directory(cause)) {
            return write_in_place(
                options,
                io_error({.file = directory_}, "nothing can be created beside it", cause).what(),
                cause);
        }
        if (cause != ENOENT) throw io_error({.file = shown_name_}, "cannot create", cause);
        throw Error(ErrorKind::io, {.file = shown_name_},
                    "cannot create: its directory does not exist", {}, cause);
    }
    temporary_ = pattern;
    const mode_t mask = ::umask(0);
    ::umask(mask);
    (void)::fchmod(fd.get(), read_write_mode & options.mode_limit & ~mask);
    store_ = std::make_unique<FileStore>(std::move(fd), shown_name_);
}

// In front of a part of the name: the whole one with a suffix may be longer than a name may be.
std::string OutputFile::temporary_prefix() const {
    constexpr std::size_t longest_part = 200;
    const std::string name = std::filesystem::path(path_).filename().string();
    return fmt::format("{}/.{}.partial-", directory_, name.substr(0, longest_part));
}

// Gives the nameless file a temporary name; only a name can be renamed over another.
void OutputFile::give_name() {
    if (!temporary_.empty()) return;
    const std::string self = self_path(store_->fd());
    constexpr int attempts = 100;
    for (int i = 0; i < attempts; ++i) {
        std::string name = fmt::format("{}{}-{}", temporary_prefix(), ::getpid(), i);
        if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
            temporary_ = std::move(name);
            return;
        }
        if (errno != EEXIST) break;
    }
    throw io_error({.file = shown_name_}, "cannot give the finished file its name", errno);
}

// A new name lasts only when its directory is on the medium.
void OutputFile::sync_directory() const {
    const UniqueFd directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // One that may be written and not read: the file system as a whole has to do.
    const int result = directory ? ::fsync(directory.get()) : ::syncfs(store_->fd());
    // Some network and FUSE file systems have no such call for directories.
    if (result == 0 || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS) return;
    throw io_error({.file = shown_name_},
                   "is complete, but its name may not last: cannot sync the directory", errno);
}

void OutputFile::commit() {
    if (::fsync(store_->fd()) != 0) throw io_error({.file = shown_name_}, "cannot sync", errno);
    if (in_place_) {
        in_place_ = false;
        return;
    }
    give_name();
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
        throw io_error({.file = shown_name_}, "cannot give the finished file its name", errno);
    }
    temporary_.clear();
    sync_directory();
}

OutputFile::~OutputFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    // Part of a file is worse than none.
    if (in_place_ && changed_) (void)!::ftruncate(store_->fd(), 0);
}

}  // namespace insitu
