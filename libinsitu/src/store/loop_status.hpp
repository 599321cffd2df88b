// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

namespace insitu {

// The nodes of the loop devices that may have a file, found without /sys.
std::vector<std::string> possible_loops();

enum class LoopFile { this_one, another, unknown };

// Whether the file of a loop device is this one, by asking the device.
LoopFile file_of_loop(const std::string& node, const struct stat& file);

}  // namespace insitu
