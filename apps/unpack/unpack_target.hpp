// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/tool.hpp"
#include "insitu/target.hpp"
#include "unpack/unpack_arguments.hpp"

namespace insitu::apps {

// How much of the content a device takes, and refuses before anything is written if it cannot. What
// is only padding need not fit: zeros in the last block, after the end of a source whose size was
// no multiple of a block. Sets the length of `wanted`.
void fit_device(const Tool& tool, const UnpackArguments& options, const Image& image,
                std::uint64_t device_bytes, UnpackOptions& wanted);

// Opens the device or file that is to be written. Throws as Target does.
Target open_raw_target(const Tool& tool, const UnpackArguments& options, const Image& image,
                       const UnpackOptions& wanted);

}  // namespace insitu::apps
