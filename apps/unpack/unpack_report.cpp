#include "unpack/unpack_report.hpp"

#include <fmt/format.h>

#include "common/sizes.hpp"
#include "insitu/error.hpp"

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
        tool.complain(fmt::format("{}: {}: zeros in place of {}", to_string(place), damage.text,
                                  counted(damage.extent.blocks, "block")));
    }
    if (result.damage_count == 0) return;
    tool.complain(fmt::format("{}: {}, {} lost", report.image,
                              counted(result.damage_count, "damaged extent"),
                              counted(result.damaged_blocks, "block")));
}

Json unpack_json(const UnpackReport& report, const UnpackResult& result, double seconds) {
    Json document;
    document["image"] = report.image;
    document["target"] = report.target;
    document["logical_bytes"] = result.logical_bytes;
    document["written_bytes"] = result.written_bytes;
    document["damaged_extents"] = result.damage_count;
    document["damaged_blocks"] = result.damaged_blocks;
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
