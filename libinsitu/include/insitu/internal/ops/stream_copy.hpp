// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/store.hpp"

namespace insitu {

// Writes all of a store in order to a pipe or other descriptor, holes as zeros. A closed reader is
// an `io` Error of EPIPE. Waiting for the reader of a pipe ends soon after a stop is asked for.
INSITU_API void copy_to_stream(const Store& store, int fd, const std::string& name,
                               const StopFlag* stop);

}  // namespace insitu
