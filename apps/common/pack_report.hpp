// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/tool.hpp"
#include "insitu/pack.hpp"

namespace insitu::apps {

// What a report on a pack says beside its result.
struct PackReport {
    std::string source;
    std::string target;  // empty: nothing but a measurement
    Algorithm algorithm = Algorithm::lzo;
    enum class Kind { packed, verified, dry_run, measured } kind = Kind::packed;
    std::string manifest = {};
};

// What an image file takes on a host with blocks of 4 KiB: super block, meta and payloads.
std::uint64_t image_occupied_bytes(const PackResult& result) noexcept;

// The report of insitu-pack, as JSON members and as lines of text.
Json pack_json(const PackReport& report, const PackResult& result, double seconds);
std::string pack_text(const PackReport& report, const PackResult& result, double seconds);

}  // namespace insitu::apps
