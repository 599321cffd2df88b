// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "fsck/fsck_options.hpp"

namespace insitu::apps {

// insitu-fsck repair, -p and -y: finishes what an earlier run began, repairs the image or a copy of
// it, reports. Returns the exit status.
int run_repair(Tool& tool, const FsckOptions& options);

// insitu-fsck undo IMAGE LOG.
int run_undo(Tool& tool, const FsckOptions& options);

}  // namespace insitu::apps
