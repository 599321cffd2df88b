// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "copy/copy_arguments.hpp"

namespace insitu::apps {

// --delta: writes a file with what TARGET, the older image, lacks to become IMAGE.
int write_delta(Tool& tool, const CopyArguments& arguments);
// --apply: brings IMAGE to what such a file says.
int apply_delta_file(Tool& tool, const CopyArguments& arguments);

}  // namespace insitu::apps
