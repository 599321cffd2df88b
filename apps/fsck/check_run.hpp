// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "fsck/fsck_options.hpp"

namespace insitu::apps {

// insitu-fsck check: looks at an image, changes nothing, reports. Returns the exit status.
int run_check(Tool& tool, const FsckOptions& options);

}  // namespace insitu::apps
