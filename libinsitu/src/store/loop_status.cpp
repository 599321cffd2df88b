// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/loop_status.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "insitu/internal/store/unique_fd.hpp"
#include "store/sysfs.hpp"

namespace insitu {

std::vector<std::string> busy_loop_nodes(const std::string& path) {
    // Devices of size 0 are not in this list: most loop devices have no file.
    std::ifstream partitions("/proc/partitions");
    if (!partitions) refuse_without_sysfs(path);
    std::vector<std::string> found;
    for (std::string line; std::getline(partitions, line);) {
        std::istringstream words(line);
        std::string major_number, minor_number, blocks, name;
        words >> major_number >> minor_number >> blocks >> name;
        // A partition of one says no more than the device itself.
        const bool whole = name.find('p', 4) == std::string::npos;
        if (name.starts_with("loop") && whole) found.push_back("/dev/" + name);
    }
    return found;
}

LoopFile file_of_loop(const std::string& node, const struct stat& file) {
    const UniqueFd fd(::open(node.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    loop_info64 info{};
    if (!fd) return LoopFile::unknown;
    if (::ioctl(fd.get(), LOOP_GET_STATUS64, &info) != 0) {
        return errno == ENXIO ? LoopFile::another : LoopFile::unknown;
    }
    const bool same = info.lo_device == file.st_dev && info.lo_inode == file.st_ino;
    return same ? LoopFile::this_one : LoopFile::another;
}

}  // namespace insitu
