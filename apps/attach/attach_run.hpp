// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "attach/attach_arguments.hpp"
#include "attach/run_directory.hpp"
#include "common/tool.hpp"

namespace insitu::apps {

// What becomes of an image that is attached already.
enum class Attached {
    refuse,
    accept_same_mount,  // done, if it is mounted there: as mount(8) -a does
};

// Attaches an image, mounts it if that is wanted, and prints the device (as mount(8): nothing but
// with -v). An image that may not be written is attached read-only. Returns the exit status.
// If something fails, nothing is left of it. Throws `refused`, `io` and `cancelled` Errors.
int attach_image(Tool& tool, const AttachArguments& arguments, Attached attached);

// Prints what is attached, as text or JSON.
int list_attached(Tool& tool);

}  // namespace insitu::apps
