#include "insitu/store/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "insitu/error.hpp"
#include "insitu/store/open.hpp"
#include "store/file_lock.hpp"
#include "store/loop_users.hpp"

namespace insitu {

namespace {

constexpr mode_t default_mode = 0666;

std::string resolve(const std::string& path) {
    // A link is written through, not replaced.
    std::error_code failed;
    const std::filesystem::path full = std::filesystem::weakly_canonical(path, failed);
    return failed ? path : full.string();
}

}  // namespace

OutputFile::OutputFile(const std::string& path, std::uint64_t size_bytes)
    : shown_name_(path), path_(resolve(path)) {
    const std::filesystem::path parent = std::filesystem::path(path_).parent_path();
    directory_ = parent.empty() ? std::filesystem::path(".").string() : parent.string();
    const NodeKind kind = node_kind(path_);
    if (kind == NodeKind::directory) {
        throw Error(ErrorKind::refused, {.file = path}, "is a directory, a file name is expected");
    }
    if (kind != NodeKind::missing && kind != NodeKind::regular_file) {
        throw Error(ErrorKind::refused, {.file = path}, "is no regular file");
    }
    if (kind == NodeKind::regular_file) {
        if (::access(path_.c_str(), W_OK) != 0) {
            throw io_error({.file = path}, "cannot replace", errno);
        }
        replaced_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
        if (!replaced_) throw io_error({.file = path}, "cannot open", errno);
        lock_file(replaced_.get(), path, Access::read_write);
        refuse_busy_loop(replaced_.get(), path);
    }
    create();
    store_->resize(size_bytes);
}

void OutputFile::create() {
    UniqueFd fd(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, default_mode));
    if (!fd && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        std::string pattern = fmt::format("{}/.{}.partial-XXXXXX", directory_,
                                          std::filesystem::path(path_).filename().string());
        fd = UniqueFd(::mkostemp(pattern.data(), O_CLOEXEC));
        if (fd) {
            temporary_ = pattern;
            const mode_t mask = ::umask(0);
            ::umask(mask);
            (void)::fchmod(fd.get(), default_mode & ~mask);
        }
    }
    if (!fd) throw io_error({.file = shown_name_}, "cannot create", errno);
    struct stat old {};
    if (replaced_ && ::fstat(replaced_.get(), &old) == 0) {
        constexpr mode_t permissions = 07777;
        (void)::fchmod(fd.get(), old.st_mode & permissions);
        (void)!::fchown(fd.get(), old.st_uid, old.st_gid);
    }
    store_ = std::make_unique<FileStore>(std::move(fd), shown_name_);
}

// Gives the nameless file a temporary name; only a name can be renamed over another.
void OutputFile::give_name() {
    if (!temporary_.empty()) return;
    const std::string self = fmt::format("/proc/self/fd/{}", store_->fd());
    constexpr int attempts = 100;
    for (int i = 0; i < attempts; ++i) {
        const std::string name =
            fmt::format("{}/.{}.partial-{}-{}", directory_,
                        std::filesystem::path(path_).filename().string(), ::getpid(), i);
        if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
            temporary_ = name;
            return;
        }
        if (errno != EEXIST) break;
    }
    throw io_error({.file = shown_name_}, "cannot give the finished file its name", errno);
}

void OutputFile::commit() {
    if (::fsync(store_->fd()) != 0) throw io_error({.file = shown_name_}, "cannot sync", errno);
    give_name();
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
        throw io_error({.file = shown_name_}, "cannot give the finished file its name", errno);
    }
    temporary_.clear();
    const UniqueFd directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) (void)::fsync(directory.get());
}

OutputFile::~OutputFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

}  // namespace insitu
