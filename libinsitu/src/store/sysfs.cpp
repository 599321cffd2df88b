// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sysfs.hpp"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include "insitu/error.hpp"

namespace insitu {

std::optional<std::filesystem::path> sysfs_directory(dev_t device) {
    std::error_code failed;
    auto directory = std::filesystem::canonical(
        fmt::format("/sys/dev/block/{}:{}", major(device), minor(device)), failed);
    if (failed) return std::nullopt;
    return directory;
}

bool sysfs_lists_devices() {
    std::error_code failed;
    return std::filesystem::is_directory("/sys/block", failed);
}

void refuse_without_sysfs(const std::string& path) {
    throw Error(ErrorKind::refused, {.file = path},
                "cannot find out which disk it belongs to or who uses it: /sys is not mounted",
                "mount -t sysfs sysfs /sys; --force-share reads without a lock");
}

}  // namespace insitu
