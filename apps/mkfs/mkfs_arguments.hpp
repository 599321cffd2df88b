// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/identity_options.hpp"
#include "common/tool.hpp"
#include "insitu/pack.hpp"
#include "mkfs/file_system.hpp"

namespace insitu::apps {

// The command line of insitu-mkfs.
struct MkfsArguments {
    MkfsRequest request;
    std::string target;
    std::string size;
    std::string size_option;  // --fs-size
    std::string free;
    std::string owner = "keep";           // "root", "keep" or "UID:GID"
    std::vector<std::string> exclusions;  // globs
    std::string file_contexts;            // --selinux
    PackOptions pack;
    // The label and the UUID of the file system are its own: two devices with one name would be
    // taken for one.
    IdentityArguments identity{{}, {}, "--image-uuid", "--image-label"};
    bool verify = false;
    bool force = false;
    bool strict = false;
    bool dry_run = false;
};

// What is asked for if no type is given. mkfs(8) keeps the -t for itself, so `mkfs -t insitu
// DEV` arrives as `mkfs.insitu DEV`, and wants an empty image.
enum class WithoutType { is_wrong, makes_empty_image };

void add_mkfs_arguments(Tool& tool, MkfsArguments& arguments, WithoutType without_type);

// Settles what the file system has to be, before any work is done. `device_bytes` is the size of a
// target that is a block device. Throws `refused` Errors, and CLI::ParseErrors for sizes.
void complete_request(Tool& tool, MkfsArguments& arguments,
                      std::optional<std::uint64_t> device_bytes);

}  // namespace insitu::apps
