// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/loop_device.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::test {

namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

LoopDevice::LoopDevice(std::uint64_t size_bytes, unsigned sector_bytes) {
    const UniqueFd file(::open(backing_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file || ::ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0) fail("backing file");
    const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control) fail("/dev/loop-control");
    // Another program may take the free device first.
    for (int attempt = 0; attempt < 20; ++attempt) {
        const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) fail("LOOP_CTL_GET_FREE");
        const std::string path = "/dev/loop" + std::to_string(number);
        const UniqueFd loop(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        if (!loop) fail(path.c_str());
        loop_config config{};
        config.fd = static_cast<std::uint32_t>(file.get());
        config.block_size = sector_bytes;
        if (::ioctl(loop.get(), LOOP_CONFIGURE, &config) == 0) {
            path_ = path;
            return;
        }
        if (errno != EBUSY) fail("LOOP_CONFIGURE");
    }
    throw std::runtime_error("no free loop device");
}

LoopDevice::~LoopDevice() {
    const UniqueFd loop(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (loop) ::ioctl(loop.get(), LOOP_CLR_FD, 0);
}

std::uint64_t LoopDevice::allocated_bytes() const {
    struct stat status {};
    if (::stat(backing_file().c_str(), &status) != 0) fail("stat");
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

LoopDevice::Counters LoopDevice::counters() const {
    std::ifstream file("/sys/block/" + path_.substr(5) + "/stat");
    Counters counters;
    std::uint64_t ignored = 0;
    file >> ignored >> ignored >> counters.read_sectors >> ignored >> ignored >> ignored >>
        counters.written_sectors;
    if (!file) throw std::runtime_error("cannot read the counters of " + path_);
    return counters;
}

}  // namespace insitu::test
