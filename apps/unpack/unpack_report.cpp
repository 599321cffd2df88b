// SPDX-License-Identifier: GPL-2.0-or-later
#include "unpack/unpack_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <span>

#include "common/sizes.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/store/output_file.hpp"

namespace insitu::apps {

namespace {

Json damage_json(const UnpackResult& result) {
    Json list = Json::array();
    for (const ExtentDamage& damage : result.damage) {
        Json item;
        item["first_block"] = damage.extent.first.value;
        item["blocks"] = damage.extent.blocks;
        item["offset_bytes"] = damage.extent.first.value * block_bytes;
        item["length_bytes"] = damage.extent.blocks * block_bytes;
        item["device_byte"] = damage.at_byte;
        item["unproven_blocks"] = damage.unproven_blocks;
        item["reason"] = damage.text;
        list.push_back(std::move(item));
    }
    return list;
}

}  // namespace

void complain_of_damage(const Tool& tool, const UnpackReport& report, const UnpackResult& result) {
    for (const ExtentDamage& damage : result.damage) {
        const Place place{.file = report.image,
                          .window = window_of(damage.extent.first),
                          .block = damage.extent.first,
                          .byte = damage.at_byte};
        const unsigned lost = damage.extent.blocks - damage.unproven_blocks;
        std::string text = lost == 0 ? "" : ": zeros in place of " + counted(lost, "block");
        if (damage.unproven_blocks != 0) {
            text += fmt::format("{}{} unproven", lost == 0 ? ": " : ", ",
                                counted(damage.unproven_blocks, "block"));
        }
        tool.complain(fmt::format("{}: {}{}", to_string(place), damage.text, text));
    }
    if (result.damage_count == 0) return;
    const std::string unproven =
        result.unproven_blocks == 0
            ? ""
            : fmt::format(", {} unproven", counted(result.unproven_blocks, "block"));
    tool.complain(fmt::format(
        "{}: {}, {} lost{}", report.image, counted(result.damage_count, "damaged extent"),
        counted(result.damaged_blocks - result.unproven_blocks, "block"), unproven));
}

void write_map(const std::string& path, const UnpackResult& result, std::uint64_t offset_bytes) {
    std::string text =
        "# Mapfile. Created by insitu-unpack --salvage\n"
        "# + right, ? unproven, - lost\n"
        "# current_pos  current_status  current_pass\n"
        "0x00000000     +               1\n#      pos        size  status\n";
    std::uint64_t at = 0;
    const auto put = [&](std::uint64_t end_byte, char status) {
        const std::uint64_t end =
            std::min(end_byte - std::min(end_byte, offset_bytes), result.logical_bytes);
        if (end <= at) return;
        text += fmt::format("{:#010x}  {:#010x}  {}\n", at, end - at, status);
        at = end;
    };
    for (const ExtentDamage& damage : result.damage) {
        const BlockIndex first = damage.extent.first;
        put(first.value * block_bytes, '+');
        put((first + damage.unproven_blocks).value * block_bytes, '?');
        put(damage.extent.end().value * block_bytes, '-');
    }
    // What is damaged beyond those that are listed is anywhere behind them.
    const bool all = result.damage.size() == result.damage_count;
    put(offset_bytes + result.logical_bytes, all ? '+' : '?');
    OutputFile file(path, 0);
    file.store().write_at(0, std::as_bytes(std::span(text)));
    file.commit();
}

Json unpack_json(const UnpackReport& report, const UnpackResult& result, double seconds) {
    Json document;
    document["image"] = report.image;
    document["target"] = report.target;
    document["logical_bytes"] = result.logical_bytes;
    document["written_bytes"] = result.written_bytes;
    document["damaged_extents"] = result.damage_count;
    document["damaged_blocks"] = result.damaged_blocks;
    document["unproven_blocks"] = result.unproven_blocks;
    document["damage"] = damage_json(result);
    document["manifest_matches"] = report.checked ? Json(true) : Json(nullptr);
    document["seconds"] = seconds;
    return document;
}

std::string unpack_text(const UnpackReport& report, const UnpackResult& result, double seconds) {
    return fmt::format("{}: {} of {} written in {:.2f} s{}\n", report.target,
                       human_bytes(result.written_bytes), human_bytes(result.logical_bytes),
                       seconds, report.checked ? ", matches the manifest" : "");
}

std::string unpack_details(const Image& image, const UnpackResult& result) {
    return fmt::format("{}: {} image of {} ({}); {} given, {} of them written, the rest is zeros",
                       image.store().name(), to_string(image.algorithm()),
                       human_bytes(image.geometry().logical_bytes()),
                       counted(image.geometry().data_blocks(), "block"),
                       counted(result.logical_bytes, "byte"), result.written_bytes);
}

}  // namespace insitu::apps
