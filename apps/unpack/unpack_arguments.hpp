// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/image_input.hpp"
#include "common/tool.hpp"
#include "insitu/unpack.hpp"

namespace insitu::apps {

// The command line of insitu-unpack.
struct UnpackArguments {
    ImageInputOptions image;
    std::string target;
    std::string offset;
    std::string length;
    std::string manifest;
    std::string size_of;  // --manifest-size
    std::string map;
    std::string salvage;
    std::optional<std::uint64_t> raw_bytes = {};  // as a manifest says
    bool ignore_seals = false;
    bool force = false;
    bool in_place = false;

    bool to_stdout() const { return target == "-"; }
};

void add_unpack_arguments(Tool& tool, UnpackArguments& options);

// As the library takes them; throws CLI::ParseErrors for sizes that are none.
UnpackOptions unpack_options(const UnpackArguments& options, ContentSink* content);

}  // namespace insitu::apps
