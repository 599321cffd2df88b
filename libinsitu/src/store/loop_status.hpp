// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

namespace insitu {

// Loop devices that have a file, as the kernel lists them without /sys: their nodes in /dev. Throws
// a `refused` Error that names `path` if nobody can say which there are.
std::vector<std::string> busy_loop_nodes(const std::string& path);

enum class LoopFile { this_one, another, unknown };

// Whether the file of a loop device is this one, by asking the device.
LoopFile file_of_loop(const std::string& node, const struct stat& file);

}  // namespace insitu
