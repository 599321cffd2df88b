// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "attach/run_directory.hpp"
#include "common/tool.hpp"

namespace insitu::apps {

struct DetachArguments {
    std::string name;    // an image, its device or a partition of it, or where it is mounted
    bool force = false;  // also if the last commit fails: what it holds is lost
    bool accept_missing = false;  // not attached is as good as detached
};

// Unmounts an attached image, makes everything durable and ends the server. Returns the exit
// status. If something keeps it from that (a busy mount, a full disk under the image) it throws a
// `refused` Error, and the server goes on.
int detach_image(Tool& tool, const DetachArguments& arguments);

// What umount(8) calls: unmounts a directory, and detaches an image that insitu-attach mounted
// there.
int unmount_directory(Tool& tool, const std::string& directory, bool lazy);

}  // namespace insitu::apps
