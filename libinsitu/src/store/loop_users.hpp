#pragma once

#include <string>

namespace insitu {

// Throws Error of kind refused where somebody holds a loop device over this open file (a mount, a
// device-mapper target, swap, another program with O_EXCL): it writes to the file behind any lock.
// A loop device that is merely attached does not matter. `path` is the file's name in messages.
void refuse_busy_loop(int fd, const std::string& path);

}  // namespace insitu
