#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

namespace insitu {

// A loop device over this file that somebody holds (a mount, a device-mapper target, swap, another
// program with O_EXCL), by its path. One that is merely attached is none.
std::optional<std::string> busy_loop_over(const struct stat& file);

}  // namespace insitu
