// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "insitu/error.hpp"
#include "insitu/internal/fsck/undo_log.hpp"
#include "insitu/internal/store/memory_size.hpp"
#include "insitu/internal/store/unnamed_file.hpp"
#include "store/file_lock.hpp"
#include "store/posix_io.hpp"

namespace insitu {

LogMedium::~LogMedium() = default;

namespace {

namespace fs = std::filesystem;

constexpr const char* other_place = "--undo FILE puts the undo log in another place";

// File systems without it answer EINVAL.
void sync_directory(int fd, const std::string& name) {
    if (::fsync(fd) == 0 || errno == EINVAL) return;
    throw io_error({.file = name}, "cannot sync the directory of the undo log", errno);
}

UniqueFd open_directory_of(const std::string& path) {
    const fs::path parent = fs::path(path).parent_path();
    const std::string directory = parent.empty() ? "." : parent.string();
    UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) throw io_error({.file = path}, "cannot open the directory of the undo log", errno);
    return fd;
}

// Whether others than the owner may put something in the place of what is there.
bool others_write(const struct stat& status) {
    constexpr mode_t sticky = S_ISVTX;
    if (S_ISDIR(status.st_mode) && (status.st_mode & sticky) != 0) return false;
    if ((status.st_mode & S_IWOTH) != 0) return true;
    return (status.st_mode & S_IWGRP) != 0 && status.st_gid != ::getegid();
}

std::string distrust_of(int fd, const char* what, std::optional<uid_t> image_owner,
                        const std::string& name) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw io_error({.file = name}, "cannot stat", errno);
    const uid_t owner = status.st_uid;
    if (owner != 0 && owner != ::geteuid() && owner != image_owner) {
        return fmt::format("{} belongs to user {}", what, owner);
    }
    return others_write(status) ? fmt::format("{} can be written by others", what) : std::string();
}

}  // namespace

LogFile::LogFile(LogFile&& other) noexcept = default;
LogFile& LogFile::operator=(LogFile&& other) noexcept = default;
LogFile::~LogFile() = default;

LogFile::LogFile(const std::string& path, Mode mode) : mode_(mode), name_(path) {
    if (mode == Mode::unnamed) {
        fd_ = make_unnamed_file(path);
        name_ = (fs::path(path) / "(undo log of a copy)").string();
    } else if (mode == Mode::open || mode == Mode::read) {
        open();
    }
}

void LogFile::check_kind() {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) throw io_error({.file = name_}, "cannot stat", errno);
    if (!S_ISREG(status.st_mode)) {
        throw Error(ErrorKind::refused, {.file = name_}, "is not a regular file");
    }
    size_bytes_ = static_cast<std::uint64_t>(status.st_size);
}

void LogFile::open() {
    directory_ = open_directory_of(name_);
    const bool reads = mode_ == Mode::read;
    const int flags = (reads ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;
    fd_ = UniqueFd(::openat(directory_.get(), fs::path(name_).filename().c_str(), flags));
    if (!fd_ && errno == ELOOP) {
        throw Error(ErrorKind::refused, {.file = name_},
                    "is a symbolic link, which an undo log never is");
    }
    if (!fd_) throw io_error({.file = name_}, "cannot open", errno);
    check_kind();
    lock_file(fd_.get(), name_, reads ? Access::read : Access::read_write);
}

void LogFile::create() {
    constexpr mode_t directory_mode = 0700;
    constexpr mode_t file_mode = 0600;
    const std::string parent = fs::path(name_).parent_path().string();
    const bool made =
        mode_ == Mode::create_directory && ::mkdir(parent.c_str(), directory_mode) == 0;
    fd_ = UniqueFd(
        ::open(name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode));
    if (!fd_) {
        const int reason = errno;
        throw Error(ErrorKind::io, {.file = name_},
                    fmt::format("cannot create the undo log: {}", std::strerror(reason)),
                    other_place, reason);
    }
    try {
        lock_file(fd_.get(), name_, Access::read_write);
        check_kind();
        // The log must be found again after a power cut: its name has to be on the medium too.
        directory_ = open_directory_of(name_);
        sync_directory(directory_.get(), name_);
        if (made) sync_directory(open_directory_of(parent).get(), parent);
    } catch (...) {
        ::unlink(name_.c_str());
        throw;
    }
}

std::string LogFile::distrust(std::optional<uid_t> image_owner) const {
    std::string why = distrust_of(fd_.get(), "the file", image_owner, name_);
    if (why.empty()) why = distrust_of(directory_.get(), "its directory", image_owner, name_);
    return why;
}

void LogFile::read_at(std::uint64_t at_byte, ByteSpan output) const {
    read_whole(fd_.get(), name_, at_byte, output);
}

void LogFile::write_at(std::uint64_t at_byte, ByteView input) {
    if (!fd_) create();
    try {
        write_whole(fd_.get(), name_, at_byte, input);
    } catch (const Error& error) {
        throw Error(error.kind(), {}, error.what(), other_place, error.os_error());
    }
    size_bytes_ = std::max(size_bytes_, at_byte + input.size());
}

void LogFile::sync() {
    if (!fd_) return;
    if (::fsync(fd_.get()) != 0) throw io_error({.file = name_}, "cannot sync", errno);
}

void LogMemory::read_at(std::uint64_t at_byte, ByteSpan output) const {
    if (at_byte > bytes_.size() || output.size() > bytes_.size() - at_byte) {
        throw Error(ErrorKind::damaged, {.file = name_, .byte = at_byte}, "the log ends before");
    }
    std::memcpy(output.data(), bytes_.data() + at_byte, output.size());
}

void LogMemory::write_at(std::uint64_t at_byte, ByteView input) {
    if (bytes_.size() < at_byte + input.size()) {
        bytes_.resize(memory_size(at_byte + input.size()));
    }
    std::memcpy(bytes_.data() + at_byte, input.data(), input.size());
}

}  // namespace insitu
