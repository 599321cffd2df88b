// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>

#include "insitu/internal/engine/control.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// Reads a directory with all that is known of its entries; symbolic links below it are not
// followed, `directory` itself may be one. Whatever cannot be read, be it the content of a file, is
// an `io` Error that names it; files are opened but not read. `left_out` is asked for each path
// below the top, and what it holds is left out with a directory. Throws `cancelled` Errors.
Tree walk_directory(const std::string& directory,
                    const std::function<bool(const std::string&)>& left_out, const StopFlag* stop);

// The parts of an open file of `size_bytes` that are no holes.
std::vector<DataRange> data_ranges(int fd, std::uint64_t size_bytes);

}  // namespace insitu::apps
