#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "insitu/error.hpp"
#include "insitu/fsck/undo_log.hpp"
#include "store/file_lock.hpp"
#include "store/posix_io.hpp"

namespace insitu {

LogMedium::~LogMedium() = default;

LogFile::LogFile(const std::string& path, Mode mode) : name_(path) {
    if (mode == Mode::open) open(mode);
}

void LogFile::open(Mode mode) {
    constexpr mode_t permissions = 0600;
    const int flags = O_RDWR | O_CLOEXEC | (mode == Mode::create ? O_CREAT | O_EXCL : 0);
    fd_ = UniqueFd(::open(name_.c_str(), flags, permissions));
    if (!fd_) {
        throw io_error({.file = name_},
                       mode == Mode::create ? "cannot create the undo log" : "cannot open", errno);
    }
    lock_file(fd_.get(), name_, Access::read_write);
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) throw io_error({.file = name_}, "cannot stat", errno);
    if (!S_ISREG(status.st_mode)) {
        throw Error(ErrorKind::refused, {.file = name_}, "is no regular file");
    }
    size_bytes_ = static_cast<std::uint64_t>(status.st_size);
    if (mode == Mode::open) return;
    // The log must be found again after a power cut: its name has to be on the medium too.
    const std::filesystem::path parent = std::filesystem::path(name_).parent_path();
    const UniqueFd directory(
        ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) (void)::fsync(directory.get());
}

void LogFile::read_at(std::uint64_t at_byte, ByteSpan output) const {
    read_whole(fd_.get(), name_, at_byte, output);
}

void LogFile::write_at(std::uint64_t at_byte, ByteView input) {
    if (!fd_) open(Mode::create);
    write_whole(fd_.get(), name_, at_byte, input);
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
    if (bytes_.size() < at_byte + input.size()) bytes_.resize(at_byte + input.size());
    std::memcpy(bytes_.data() + at_byte, input.data(), input.size());
}

}  // namespace insitu
