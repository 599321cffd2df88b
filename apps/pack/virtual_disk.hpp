// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/tool.hpp"

namespace insitu::apps {

// The formats of --from, as they are called there: "qcow2", "vmdk", …
const std::vector<std::string>& virtual_disk_formats();
// What the magic in a file says of it, as one of these; none: nothing that qemu-nbd reads.
std::optional<std::string> find_virtual_disk_format(const std::string& path);

// A virtual disk that a qemu-nbd of this tool serves, read-only, to whoever connects first. The
// server ends with its last connection.
class VirtualDisk {
  public:
    // Throws a `refused` Error if there is no qemu-nbd, or it does not take the file.
    VirtualDisk(const Tool& tool, const std::string& path, const std::string& format);
    ~VirtualDisk();
    VirtualDisk(const VirtualDisk&) = delete;
    VirtualDisk& operator=(const VirtualDisk&) = delete;

    std::string uri() const;

  private:
    std::string directory_;
};

}  // namespace insitu::apps
