// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace insitu::apps {

// Undoes one block that squashfs compressed by the method of this number (of its super block),
// which has `limit_bytes` at most. Throws a `refused` Error for a method that is not known here,
// and a `damaged` one for a block that is none.
std::string decompress_squashfs(int method, const std::string& block, std::size_t limit_bytes);

}  // namespace insitu::apps
