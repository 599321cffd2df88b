// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/loop_status.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "insitu/internal/store/unique_fd.hpp"

namespace insitu {

namespace {

bool is_whole_loop(const std::string& name) {
    constexpr std::string_view prefix = "loop";
    return name.size() > prefix.size() && name.starts_with(prefix) &&
           name.find_first_not_of("0123456789", prefix.size()) == std::string::npos;
}

std::vector<std::string> loops_in_dev() {
    std::vector<std::string> found;
    std::error_code failed;
    for (std::filesystem::directory_iterator it("/dev", failed), end; !failed && it != end;
         it.increment(failed)) {
        if (is_whole_loop(it->path().filename().string())) found.push_back(it->path().string());
    }
    return found;
}

}  // namespace

std::vector<std::string> possible_loops() {
    std::ifstream partitions("/proc/partitions");
    if (!partitions) return loops_in_dev();
    std::vector<std::string> found;
    // Devices of size 0 are not in this list: most loop devices have no file.
    for (std::string line; std::getline(partitions, line);) {
        std::istringstream words(line);
        std::string major_number, minor_number, blocks, name;
        words >> major_number >> minor_number >> blocks >> name;
        if (is_whole_loop(name)) found.push_back("/dev/" + name);
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
