// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/file_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "insitu/error.hpp"
#include "store/posix_io.hpp"

namespace insitu {

FileStore::FileStore(UniqueFd fd, std::string name) : Store(std::move(name)), fd_(std::move(fd)) {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) {
        throw io_error({.file = this->name()}, "cannot stat", errno);
    }
    size_bytes_ = static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t FileStore::present_size_bytes() const {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return size_bytes_;
    return static_cast<std::uint64_t>(status.st_size);
}

void FileStore::read_at(std::uint64_t at_byte, ByteSpan output) const {
    if (!direct_) return read_whole(fd_.get(), name(), at_byte, output);
    // Direct reads come in whole blocks; the last, partial one of a file is left to the cache.
    const std::uint64_t whole_end = size_bytes_ / block_bytes * block_bytes;
    if (at_byte + output.size() > whole_end) {
        return read_whole(fd_.get(), name(), at_byte, output);
    }
    read_whole_direct(direct_.get(), name(), at_byte, output, block_bytes);
}

void FileStore::write_at(std::uint64_t at_byte, ByteView input) {
    write_whole(fd_.get(), name(), at_byte, input);
}

bool FileStore::punch(std::uint64_t at_byte, std::uint64_t length_bytes) {
    return ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                       static_cast<off_t>(at_byte), static_cast<off_t>(length_bytes)) == 0;
}

void FileStore::zero(std::uint64_t at_byte, std::uint64_t length_bytes) {
    if (length_bytes == 0 || punch(at_byte, length_bytes)) return;
    if (errno != EOPNOTSUPP && errno != ENOSYS) {
        throw io_error({.file = name(), .byte = at_byte},
                       fmt::format("cannot punch a hole of {} bytes", length_bytes), errno);
    }
    static constexpr std::array<std::byte, 65536> zeros{};
    for (std::uint64_t done = 0; done < length_bytes;) {
        const std::uint64_t step = std::min<std::uint64_t>(zeros.size(), length_bytes - done);
        write_at(at_byte + done, ByteView(zeros).first(step));
        done += step;
    }
}

void FileStore::discard(std::uint64_t at_byte, std::uint64_t length_bytes) {
    if (length_bytes != 0) punch(at_byte, length_bytes);
}

void FileStore::sync() {
    sync_data(fd_.get(), name());
}

void FileStore::start_writeback(std::uint64_t at_byte, std::uint64_t length_bytes) {
    ::sync_file_range(fd_.get(), static_cast<off_t>(at_byte), static_cast<off_t>(length_bytes),
                      SYNC_FILE_RANGE_WRITE);
}

std::uint64_t FileStore::next_data(std::uint64_t at_byte) const {
    if (at_byte >= size_bytes_) return size_bytes_;
    const off_t found = ::lseek(fd_.get(), static_cast<off_t>(at_byte), SEEK_DATA);
    if (found >= 0) return std::min(static_cast<std::uint64_t>(found), size_bytes_);
    return errno == ENXIO ? size_bytes_ : at_byte;
}

std::uint64_t FileStore::next_hole(std::uint64_t at_byte) const {
    if (at_byte >= size_bytes_) return size_bytes_;
    const off_t found = ::lseek(fd_.get(), static_cast<off_t>(at_byte), SEEK_HOLE);
    return found >= 0 ? std::min(static_cast<std::uint64_t>(found), size_bytes_) : size_bytes_;
}

std::optional<std::uint64_t> FileStore::allocated_bytes() const {
    constexpr std::uint64_t stat_unit_bytes = 512;
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_blocks) * stat_unit_bytes;
}

std::optional<std::uint64_t> FileStore::free_bytes() const {
    struct statvfs host {};
    if (::fstatvfs(fd_.get(), &host) != 0) return std::nullopt;
    return std::uint64_t{host.f_bavail} * host.f_frsize;
}

void FileStore::drop_cache() const {
    // Only clean pages go, so the caller syncs first. Direct reads are sure to come from the
    // medium; a file system without them (tmpfs) has no other medium than memory.
    ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    const std::string self = fmt::format("/proc/self/fd/{}", fd_.get());
    direct_ = UniqueFd(::open(self.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
}

void FileStore::resize(std::uint64_t size_bytes) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)) != 0) {
        throw io_error({.file = name()}, fmt::format("cannot set the size to {} bytes", size_bytes),
                       errno);
    }
    size_bytes_ = size_bytes;
}

}  // namespace insitu
