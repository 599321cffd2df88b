// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/temporary_file.hpp"
#include "common/tool.hpp"

namespace insitu::apps {

// The formats of --from, as they are called there: "qcow2", "vmdk", …
const std::vector<std::string>& virtual_disk_formats();
// That of a container with this name ("VHD"); none: nothing that qemu-nbd reads.
std::optional<std::string> virtual_disk_format_of(const std::string& container);

// A virtual disk that a qemu-nbd of this tool serves, read-only, to whoever connects first. The
// server ends with its last connection.
class VirtualDisk {
  public:
    // Throws a `refused` Error if there is no qemu-nbd, or it does not take the file.
    VirtualDisk(const Tool& tool, const std::string& path, const std::string& format);

    std::string uri() const;

  private:
    TemporaryDirectory directory_;
};

}  // namespace insitu::apps
