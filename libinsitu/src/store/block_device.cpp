// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/block_device.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "insitu/error.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "store/disk_lock.hpp"
#include "store/posix_io.hpp"
#include "store/sysfs.hpp"
#include "store/uring_write_queue.hpp"

namespace insitu {

namespace {

UniqueFd open_device(const std::string& path, int flags) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (fd) return fd;
    if (errno == EBUSY) {
        throw Error(ErrorKind::refused, {.file = path},
                    "device is in use (mounted, swap, or held by another program)",
                    "unmount or release it first; lsblk shows who holds it", EBUSY);
    }
    throw io_error({.file = path}, "cannot open", errno);
}

// The node of the disk that a partition lies on, or of the device itself (systemd's rule for
// locking block devices: everybody takes flock on the whole disk).
std::string whole_disk_node(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return {};
    auto sys = sysfs_directory(status.st_rdev);
    if (!sys) return {};
    std::error_code failed;
    if (std::filesystem::exists(*sys / "partition", failed)) sys = sys->parent_path();
    std::ifstream uevent(*sys / "uevent");
    for (std::string line; std::getline(uevent, line);) {
        constexpr std::string_view key = "DEVNAME=";
        if (line.starts_with(key)) return "/dev/" + line.substr(key.size());
    }
    return {};
}

bool is_aligned(const void* memory, std::uint64_t unit) {
    return reinterpret_cast<std::uintptr_t>(memory) % unit == 0;
}

}  // namespace

BlockDevice::BlockDevice(const std::string& path, Access access, Sharing sharing) : Store(path) {
    const int exclusive = sharing == Sharing::exclusive ? O_EXCL : 0;
    cached_ = open_device(path, exclusive | (access == Access::read ? O_RDONLY : O_RDWR));

    unsigned read_only = 0;
    if (access == Access::read_write && ::ioctl(cached_.get(), BLKROGET, &read_only) == 0 &&
        read_only != 0) {
        throw Error(ErrorKind::refused, {.file = path}, "device is read-only",
                    "blockdev --setrw makes it writable, if the medium is");
    }
    if (sharing == Sharing::exclusive) lock_whole_disk(access);

    if (::ioctl(cached_.get(), BLKGETSIZE64, &size_bytes_) != 0) {
        throw io_error({.file = path}, "cannot read the size of the device", errno);
    }
    int sector = 0;
    if (::ioctl(cached_.get(), BLKSSZGET, &sector) != 0 || sector <= 0) {
        throw io_error({.file = path}, "cannot read the sector size of the device", errno);
    }
    logical_sector_bytes_ = static_cast<unsigned>(sector);
    // A second descriptor: direct writes must not make every read direct as well.
    direct_ = open_device(path, O_DIRECT | (access == Access::read ? O_RDONLY : O_RDWR));
}

void BlockDevice::lock_whole_disk(Access access) {
    const std::string disk = whole_disk_node(cached_.get());
    // A lock of a partition alone would let those pass who lock its disk.
    if (disk.empty()) refuse_without_sysfs(name());
    // Without the right to open the disk itself the partition's own O_EXCL has to do.
    disk_lock_ = DiskLock::take(disk, name(), access);
}

void BlockDevice::read_at(std::uint64_t at_byte, ByteSpan output) const {
    if (!read_direct_) return read_whole(cached_.get(), name(), at_byte, output);
    read_whole_direct(direct_.get(), name(), at_byte, output, logical_sector_bytes_);
}

void BlockDevice::write_at(std::uint64_t at_byte, ByteView input) {
    const std::uint64_t unit = logical_sector_bytes_;
    if (at_byte % unit != 0 || input.size() % unit != 0) {
        throw Error(ErrorKind::refused, {.file = name(), .byte = at_byte},
                    fmt::format("cannot write {} bytes here: the device's sectors have {}",
                                input.size(), unit));
    }
    if (is_aligned(input.data(), unit)) return write_whole(direct_.get(), name(), at_byte, input);
    AlignedBuffer bounce(input.size());
    std::memcpy(bounce.data(), input.data(), input.size());
    write_whole(direct_.get(), name(), at_byte, bounce.view());
}

std::unique_ptr<WriteQueue> BlockDevice::write_queue() {
    auto queue = make_uring_write_queue(direct_.get(), name());
    return queue ? std::move(queue) : Store::write_queue();
}

void BlockDevice::zero(std::uint64_t at_byte, std::uint64_t length_bytes) {
    if (length_bytes == 0) return;
    std::array<std::uint64_t, 2> range{at_byte, length_bytes};
    if (::ioctl(cached_.get(), BLKZEROOUT, range.data()) != 0) {
        throw io_error({.file = name(), .byte = at_byte},
                       fmt::format("cannot zero {} bytes", length_bytes), errno);
    }
}

void BlockDevice::discard(std::uint64_t at_byte, std::uint64_t length_bytes) {
    if (length_bytes == 0) return;
    std::array<std::uint64_t, 2> range{at_byte, length_bytes};
    // A device that cannot discard keeps what it holds: holes are never read.
    (void)::ioctl(cached_.get(), BLKDISCARD, range.data());
}

void BlockDevice::sync() {
    sync_data(cached_.get(), name());
}

void BlockDevice::drop_cache() const {
    ::posix_fadvise(cached_.get(), 0, 0, POSIX_FADV_DONTNEED);
    read_direct_ = true;
}

}  // namespace insitu
