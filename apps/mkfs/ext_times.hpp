#pragma once

#include <string>

#include "insitu/engine/control.hpp"
#include "mkfs/scratch.hpp"

namespace insitu::apps {

// Sets the times of access and change of every file in an ext file system that was filled from
// `directory` to `epoch`, and later times of modification as well. mke2fs copies them from the
// tree, where reading or unpacking a file changes them.
void settle_ext_times(const std::string& file, const std::string& directory,
                      const std::string& epoch, const Scratch& scratch, const StopFlag* stop);

}  // namespace insitu::apps
