// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace insitu {

// The directory of a block device in sysfs, without links; none if /sys is not mounted.
std::optional<std::filesystem::path> sysfs_directory(dev_t device);

// Whether sysfs lists the block devices: in a chroot or a sandbox /sys may be empty.
bool sysfs_lists_devices();

// Throws a `refused` Error: what `path` is part of, or who uses it, cannot be known without /sys.
[[noreturn]] void refuse_without_sysfs(const std::string& path);

}  // namespace insitu
