// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/fsck_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>

#include "common/printable.hpp"
#include "common/sizes.hpp"
#include "fsck/fsck_options.hpp"

namespace insitu::apps {

namespace {

std::string logical_range(BlockIndex block, std::uint64_t blocks) {
    if (blocks == 0) return {};
    const std::uint64_t first = block.value * block_bytes;
    return fmt::format("; logical bytes {}-{}", first, first + blocks * block_bytes - 1);
}

Json finding_json(const Finding& finding) {
    const FindingKind& kind = kind_of(finding.id);
    Json item;
    item["id"] = kind.name;
    item["severity"] = to_string(finding.severity);
    item["text"] = kind.text;
    item["detail"] = finding.detail;
    item["window"] = finding.window ? Json(finding.window->value) : Json(nullptr);
    item["first_block"] = finding.block.value;
    item["blocks"] = finding.blocks;
    item["offset_bytes"] = finding.offset_bytes();
    item["length_bytes"] = finding.length_bytes();
    item["device_byte"] = finding.at_byte;
    item["kernel"] = to_string(finding.effect);
    item["repair"] = kind.repair;
    return item;
}

Json action_json(const PlannedAction& action) {
    Json item;
    item["action"] = to_string(action.kind);
    item["window"] = action.window ? Json(action.window->value) : Json(nullptr);
    item["first_block"] = action.block.value;
    item["blocks"] = action.blocks;
    item["offset_bytes"] = action.block.value * block_bytes;
    item["length_bytes"] = action.blocks * block_bytes;
    item["payload_sectors"] = action.payload_sectors;
    item["device_byte"] = action.at_byte;
    item["suspect"] = is_suspect(action.kind);
    item["detail"] = action.detail;
    return item;
}

}  // namespace

FsckReport::FsckReport(Tool& tool, std::string image, const char* mode)
    : tool_(tool), image_(std::move(image)), mode_(mode) {}

bool FsckReport::repairs() const noexcept {
    return std::string_view(mode_) == "repair";
}

void FsckReport::lose(const Error& error) {
    if (!repairs()) throw error;
    lost_ = error;
}

void FsckReport::put(std::string_view text) {
    if (lost_) return;
    try {
        tool_.print(text);
    } catch (const Error& error) {
        lose(error);
    }
}

void FsckReport::put_text(std::string_view text) {
    put(printable_lines(text));
}

int FsckReport::status(int of_work) {
    if (!repairs()) return of_work;
    try {
        tool_.flush();
    } catch (const Error& error) {
        lose(error);
    }
    if (!lost_) return of_work;
    tool_.abandon_output();
    if (lost_->os_error() == EPIPE) return of_work;
    tool_.complain(lost_->what());
    tool_.complain(fmt::format("{}: the repair is done, its report is lost", image_));
    return of_work | fsck_failed;
}

void FsckReport::begin() {
    if (begun_) return;
    begun_ = true;
    Json head;
    head["schema"] = "insitu-fsck/1";
    head["image"] = image_;
    head["mode"] = mode_;
    const std::string text = json_text(head);
    put(text.substr(0, text.size() - 1) + ",\"findings\":[");
}

void FsckReport::found(const Finding& finding) {
    if (tool_.common().json) {
        begin();
        put((first_finding_ ? "\n" : ",\n") + json_text(finding_json(finding)));
        first_finding_ = false;
        return;
    }
    if (tool_.common().quiet) return;
    if (finding.severity == Severity::note && !tool_.common().verbose) return;
    Place place{.file = image_, .window = finding.window};
    if (finding.window) {
        place.block = finding.block;
        place.byte = finding.at_byte;
    }
    std::string line =
        fmt::format("{}: {} {}: {}: {}{}", to_string(place), kind_of(finding.id).name,
                    to_string(finding.severity), kind_of(finding.id).text, finding.detail,
                    logical_range(finding.block, finding.blocks));
    if (finding.effect != KernelEffect::none) {
        line += fmt::format("; kernel: {}", to_string(finding.effect));
    }
    // The exit status asks for no repair here: who wants one is told which.
    if (finding.severity != Severity::error) {
        line += fmt::format("; repair: {}", kind_of(finding.id).repair);
    }
    put_text(line + "\n");
}

void FsckReport::planned(const PlannedAction& action) {
    if (tool_.common().json) {
        try {
            if (!lost_) plan_.add((first_action_ ? "\n" : ",\n") + json_text(action_json(action)));
        } catch (const Error& error) {
            lose(error);
        }
        first_action_ = false;
        return;
    }
    if (tool_.common().quiet) return;
    Place place{.file = image_, .window = action.window};
    if (action.window) {
        place.block = action.block;
        place.byte = action.at_byte;
    }
    put_text(fmt::format("{}: plan: {}{}: {}{}\n", to_string(place), to_string(action.kind),
                         is_suspect(action.kind) ? " (suspect)" : "", action.detail,
                         logical_range(action.block, action.blocks)));
}

void FsckReport::end(const Json& members) {
    if (!tool_.common().json) return;
    begin();
    put("],\"plan\":[");
    try {
        if (!lost_) plan_.print(tool_);
    } catch (const Error& error) {
        lose(error);
    }
    put("]," + json_text(members).substr(1) + "\n");
}

std::string counts_text(const FindingCounts& counts) {
    if (counts.errors == 0 && counts.warnings == 0) return "clean";
    std::string text = counted(counts.errors, "error");
    if (counts.warnings != 0) text += ", " + counted(counts.warnings, "warning");
    if (counts.error_blocks != 0) {
        text += fmt::format(" over {} ({} bytes)", counted(counts.error_blocks, "block"),
                            counts.error_blocks * block_bytes);
    }
    return text;
}

Json counts_json(const FindingCounts& counts) {
    Json document;
    document["errors"] = counts.errors;
    document["warnings"] = counts.warnings;
    document["notes"] = counts.notes;
    document["error_blocks"] = counts.error_blocks;
    document["worst_kernel_effect"] = to_string(counts.worst);
    Json effects = Json::array();
    for (std::size_t i = 1; i < kernel_effect_count; ++i) {
        const auto effect = static_cast<KernelEffect>(i);
        if (counts.has(effect)) effects.push_back(to_string(effect));
    }
    document["kernel_effects"] = effects;
    Json by_id = Json::object();
    for (const FindingKind& kind : finding_kinds()) {
        if (counts.of(kind.id) != 0) by_id[kind.name] = counts.of(kind.id);
    }
    document["by_id"] = by_id;
    return document;
}

}  // namespace insitu::apps
