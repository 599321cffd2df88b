// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/pack_report.hpp"

#include "common/identity_options.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/report.hpp"
#include "common/sizes.hpp"
#include "common/update_run.hpp"

namespace insitu::apps {

namespace {

double rate_of(const PackResult& result, double seconds) {
    return seconds > 0 ? static_cast<double>(result.source_bytes) / seconds : 0;
}

bool writes_nothing(PackReport::Kind kind) {
    return kind == PackReport::Kind::dry_run || kind == PackReport::Kind::measured;
}

}  // namespace

std::uint64_t image_occupied_bytes(const PackResult& result) noexcept {
    const std::uint64_t meta_blocks = ceil_div(result.meta_written_bytes, block_bytes);
    return (1 + meta_blocks + result.extents.host_blocks) * block_bytes;
}

Json pack_json(const PackReport& report, const PackResult& result, double seconds) {
    const Geometry geometry(result.super.counts);
    Json document;
    document["source"] = report.source;
    document["target"] = report.target.empty() ? Json(nullptr) : Json(report.target);
    document["algorithm"] = to_string(report.algorithm);
    document["dry_run"] = writes_nothing(report.kind);
    document["source_bytes"] = result.source_bytes;
    add_identity(document, result.identity);
    document["device_bytes"] = geometry.device_bytes();
    add_totals(document, geometry, result.extents);
    document["image_occupied_bytes"] = image_occupied_bytes(result);
    document["written_bytes"] = result.written_bytes;
    if (result.update) add_update(document, *result.update);
    document["verified"] = report.kind == PackReport::Kind::verified;
    if (!report.manifest.empty()) document["manifest"] = report.manifest;
    document["seconds"] = seconds;
    document["bytes_per_second"] = rate_of(result, seconds);
    return document;
}

std::string pack_text(const PackReport& report, const PackResult& result, double seconds) {
    const Geometry geometry(result.super.counts);
    std::string text = totals_text(geometry, result.extents);
    if (report.kind == PackReport::Kind::measured) {
        text += fmt::format("{:<12}{} ({} bytes) of target\n", "required",
                            human_bytes(geometry.device_bytes()), geometry.device_bytes());
        text += fmt::format("{:<12}{} as a file on a host with 4 KiB blocks, meta included\n",
                            "takes", human_bytes(image_occupied_bytes(result)));
    }
    if (result.update) {
        text += fmt::format("{:<12}{}\n", "update", update_text(*result.update));
    }
    text += fmt::format("{:<12}{} in {:.2f} s ({}/s of source){}\n",
                        writes_nothing(report.kind) ? "would write" : "written",
                        human_bytes(result.written_bytes), seconds,
                        human_bytes(static_cast<std::uint64_t>(rate_of(result, seconds))),
                        report.kind == PackReport::Kind::verified ? ", verified" : "");
    return text;
}

}  // namespace insitu::apps
