#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "insitu/store/block_device.hpp"
#include "insitu/store/unique_fd.hpp"

namespace insitu {

// A loop device over this file that somebody holds (a mount, a device-mapper target, swap, another
// program with O_EXCL), by its path. One that is merely attached is none.
std::optional<std::string> busy_loop_over(const struct stat& file);

// The file below a loop device, opened for as much as it can be.
struct BackingFile {
    UniqueFd fd;
    std::string path;
    Access access = Access::read;
};
// None where `device`, a whole device such as /dev/loop0, is no loop device, or its file cannot be
// opened by the name that it has.
std::optional<BackingFile> open_backing_file(const std::string& device);

}  // namespace insitu
