// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/store/block_device.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu {

// Throws Error of kind refused where somebody holds a loop device over this open file (a mount, a
// device-mapper target, swap, another program with O_EXCL): it writes to the file behind any lock.
// A loop device that is merely attached does not matter. `path` is the file's name in messages.
// Without /sys the loop devices are asked; if that is not allowed, writing is refused.
void refuse_busy_loop(int fd, const std::string& path, Access access);

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
