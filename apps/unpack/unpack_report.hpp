// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/tool.hpp"
#include "insitu/unpack.hpp"

namespace insitu::apps {

// What a report on an unpacking says beside its result.
struct UnpackReport {
    std::string image;
    std::string target;
    bool checked = false;  // compared with a manifest, and found equal
};

// Complains of each damaged extent, with its place, and of their number.
void complain_of_damage(const Tool& tool, const UnpackReport& report, const UnpackResult& result);

// Writes the map of a salvaged target, of which byte 0 is `offset_bytes` of the logical device, in
// the form of a map file of ddrescue(1). Throws `io` Errors.
void write_map(const std::string& path, const UnpackResult& result, std::uint64_t offset_bytes);

// The report of insitu-unpack, as JSON members and as a line of text.
Json unpack_json(const UnpackReport& report, const UnpackResult& result, double seconds);
std::string unpack_text(const UnpackReport& report, const UnpackResult& result, double seconds);

// What -v adds: what was read, and what was left out because it is zeros.
std::string unpack_details(const Image& image, const UnpackResult& result);

}  // namespace insitu::apps
