// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "common/tool.hpp"
#include "insitu/pack.hpp"
#include "insitu/target.hpp"
#include "mkfs/file_system.hpp"
#include "mkfs/mkfs_arguments.hpp"

namespace insitu::apps {

// Packs the file system in `file` into a target, and completes that.
PackResult pack_file(Tool& tool, const MkfsArguments& arguments, const std::string& file,
                     Target& target);

// Packs into a file in `scratch` and sends it to standard output. Returns the exit status.
int stream_image(Tool& tool, const MkfsArguments& arguments, const MadeFileSystem& made,
                 const Scratch& scratch);

void report_result(Tool& tool, const MkfsArguments& arguments, const MadeFileSystem& made,
                   const PackResult& result);

// What --dry-run prints. Returns the exit status.
int report_size(Tool& tool, const MkfsArguments& arguments, std::uint64_t size_bytes);

// Says if a file system cannot be mounted on the driver's devices, which have logical sectors of
// 4096 bytes.
void warn_of_sectors(const Tool& tool, const std::string& type, const std::string& file);

}  // namespace insitu::apps
