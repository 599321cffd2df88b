// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "insitu/check.hpp"

namespace insitu {

// M07, one finding for all payloads that decode and stand in blocks which the meta has as unmapped.
// None where there are none, where the meta alone is checked, or a manifest tells what is missing.
//
// Holes on the host cost nothing, and neither do windows whose first block is zeros: they are not
// read on. Behind the first GiB one unmapped window in 64 is looked into, which still meets every
// block of meta that was lost. What cannot be read, or lies
// behind the end of the store, is passed over. Memory: 0.3 MiB a thread. Throws
// `cancelled` Errors, and `io` ones where the meta cannot be read.
std::optional<Finding> find_lost_payloads(const Image& image, const CheckOptions& options,
                                          const Control& control);

}  // namespace insitu
