// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "common/identity_options.hpp"
#include "common/image_input.hpp"
#include "common/tool.hpp"
#include "insitu/internal/ops/copy.hpp"

namespace insitu::apps {

// The command line of insitu-copy.
struct CopyArguments {
    ImageInputOptions source;
    std::string target;
    std::string size;
    std::string delta;
    std::string apply;
    std::string manifest;
    std::string target_manifest;
    IdentityArguments identity;
    RecodeOptions recode;
    unsigned worth_percent = 0;
    bool label_given = false;
    bool force = false;
    bool update = false;
    bool trust_seals = false;
    bool resume = false;
    bool alg_given = false;
    bool recode_given = false;  // an option that asks for it
    bool worth_given = false;
};

void add_copy_arguments(Tool& tool, CopyArguments& arguments);
// To be called when all options are known. Throws a CLI::ParseError for what does not go together.
void complete_copy_arguments(const CLI::App& cli, CopyArguments& arguments);

// A copy has the name of what it was copied from, unless it is given another.
std::optional<Identity> identity_for(const CopyArguments& arguments, const Store& source);
// How it is compressed again, if it is: with the algorithm of the source, unless given another.
std::optional<RecodeOptions> recode_for(const CopyArguments& arguments, const Image& image);
// The size of the image, in bytes. Throws a `refused` Error for --size of a device.
std::uint64_t target_bytes_of(const CopyArguments& arguments, const Image& image,
                              std::optional<std::uint64_t> device_bytes);

}  // namespace insitu::apps
