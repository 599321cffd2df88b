#pragma once

#include "common/tool.hpp"
#include "insitu/image/target.hpp"

namespace insitu::apps {

// Makes a target ready for its first write. Where the tool fails from here on, it also says what is
// left of a device, which cannot be taken back as a file can. Both outlive the work.
void begin_target(Tool& tool, Target& target);

// Completes it.
void commit_target(Tool& tool, Target& target);

}  // namespace insitu::apps
