// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

namespace insitu {

// Why no other file can be renamed over the existing file at `path` (links resolved), open as `fd`:
// it is a mount point (the file that a container mounts), or it belongs to somebody else in a
// sticky directory. None if nothing is known against it; the directory need not be writable for
// that.
std::optional<std::string> why_not_renamed_over(const std::string& path, int fd);

// Whether a file of this name would be made on devtmpfs, where a missing node is a missing device
// and not a new file.
bool is_missing_device(const std::string& directory);

}  // namespace insitu
