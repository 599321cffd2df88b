// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "pack/pack_arguments.hpp"

namespace insitu::apps {

// The size of an image that is to be updated, in bytes.
std::uint64_t updated_target_bytes(const std::string& path);

// Brings the image that is the target to what the source holds. It keeps its name, but for what
// the options say; one without a name is given a random UUID.
PackResult update_packed(Tool& tool, const PackArguments& arguments, Source& plain_source,
                         const Expectation& expected);

}  // namespace insitu::apps
