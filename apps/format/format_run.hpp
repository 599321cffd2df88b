// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/identity_options.hpp"
#include "common/tool.hpp"
#include "insitu/internal/format/super_block.hpp"

namespace insitu::apps {

// What makes an empty image: insitu-format, and mkfs.insitu without a type.
struct FormatArguments {
    std::string target;
    std::string size;  // of the file; empty: as large as it is, or as the device
    Algorithm algorithm = Algorithm::lzo;
    IdentityArguments identity;
    bool force = false;
    bool dry_run = false;
    std::string size_option = "--size";  // what messages call it
};

// Makes an image in which every block is unmapped, and reports it. Returns the exit status. Throws
// a `refused` Error where the target holds something, is in use, or has a size that the driver
// cannot use.
int format_target(Tool& tool, const FormatArguments& arguments);

}  // namespace insitu::apps
