// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/image_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "common/pack_report.hpp"
#include "common/target_run.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/open_store.hpp"
#include "mkfs/image_bytes.hpp"

namespace insitu::apps {

namespace {

// The smallest unit that a file system of this type is read and written in; 0: not known.
std::uint64_t unit_of(const std::string& type, const std::string& file) {
    const ImageBytes image(file, ImageBytes::Mode::read);
    constexpr std::uint64_t least_bytes = 4096;
    if (image.size_bytes() < least_bytes) return 0;
    const std::string head = image.read(0, least_bytes);
    if (type.starts_with("ext")) return std::uint64_t{1024} << little(head, 1024 + 24, 4);
    if (type == "xfs") return big(head, 102, 2);
    if (type == "vfat") return little(head, 11, 2);
    if (type == "erofs") return std::uint64_t{1} << little(head, 1024 + 12, 1);
    return 0;
}

}  // namespace

PackResult pack_file(Tool& tool, const MkfsArguments& arguments, const std::string& file,
                     Target& target) {
    const auto store = open_store(file, Access::read);
    const auto source = make_source(*store);
    PackOptions wanted = arguments.pack;
    wanted.target_content = target.content();
    if (arguments.verify) wanted.verify = PackOptions::Verify::yes;
    super_block_for_source(*source, target.store().size_bytes(), wanted.codec.algorithm,
                           target.store().name());
    begin_target(tool, target);
    PackResult result = pack(*source, target.store(), wanted, tool.control());
    commit_target(tool, target);
    return result;
}

int stream_image(Tool& tool, const MkfsArguments& arguments, const MadeFileSystem& made,
                 const Scratch& scratch) {
    const std::string image = scratch.file("image");
    PackResult result;
    {
        Target target(image, TargetKind::image, pack_target_bytes(made.size_bytes),
                      Target::Overwrite::refuse);
        result = pack_file(tool, arguments, made.file, target);
    }
    tool.end_progress();
    const auto store = open_store(image, Access::read);
    send_to_stdout(tool, *store);
    report_result(tool, arguments, made, result);
    return exit_done;
}

void report_result(Tool& tool, const MkfsArguments& arguments, const MadeFileSystem& made,
                   const PackResult& result) {
    const std::string& type = arguments.request.type;
    const PackReport facts{
        type, arguments.target, arguments.pack.codec.algorithm,
        arguments.verify ? PackReport::Kind::verified : PackReport::Kind::packed};
    if (tool.common().json) {
        Json document = pack_json(facts, result, tool.seconds());
        document["file_system"] = type;
        document["file_system_bytes"] = made.size_bytes;
        tool.print_json(document);
    } else if (!tool.common().quiet) {
        tool.print_report(pack_text(facts, result, tool.seconds()));
    }
}

int report_size(Tool& tool, const MkfsArguments& arguments, std::uint64_t size_bytes) {
    const std::uint64_t image_bytes = pack_target_bytes(size_bytes);
    if (tool.common().json) {
        Json document;
        document["file_system"] = arguments.request.type;
        document["file_system_bytes"] = size_bytes;
        document["image_bytes"] = image_bytes;
        document["dry_run"] = true;
        tool.print_json(document);
    } else {
        tool.print_report(fmt::format("{}: {} bytes, in an image of {} bytes at most\n",
                                      arguments.request.type, size_bytes, image_bytes));
    }
    return exit_done;
}

void warn_of_sectors(const Tool& tool, const std::string& type, const std::string& file) {
    constexpr std::uint64_t device_sector = 4096;
    const std::uint64_t unit = unit_of(type, file);
    if (unit == 0 || unit >= device_sector) return;
    tool.note(
        fmt::format("note: this {} is made of units of {} bytes: it does not mount on the "
                    "driver's device, whose logical sectors have {}",
                    type, unit, device_sector));
}

}  // namespace insitu::apps
