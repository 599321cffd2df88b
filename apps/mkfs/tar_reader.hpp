// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/engine/control.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// Reads a tar from a descriptor, also one that gzip, bzip2, xz, lzma, lz4 or zstd compressed. The
// contents of its files go to files of their own below `directory`, which exists. What a later
// member says replaces what an earlier one said, as in tar(1). Throws `refused` Errors for what is
// no tar, for one that is cut off, and for members that cannot be in a tree; `io` and `cancelled`
// ones.
Tree read_tar(int fd, const std::string& directory, const StopFlag* stop);

}  // namespace insitu::apps
