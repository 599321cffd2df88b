// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "insitu/trim.hpp"

namespace insitu::apps {

// Reads a list of byte ranges: a line each, start and length in decimal; empty lines and what
// follows a '#' count for nothing. Throws `io` Errors, and a `refused` one that names the line for
// anything else and for a range that is not inside `size_bytes`.
std::vector<ByteRange> read_unused_list(const std::string& path, std::uint64_t size_bytes);

}  // namespace insitu::apps
