// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/unpack.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <optional>

#include "common/image_input.hpp"
#include "common/manifest_check.hpp"
#include "common/paths.hpp"
#include "common/sizes.hpp"
#include "common/target_run.hpp"
#include "common/tool.hpp"
#include "insitu/error.hpp"
#include "insitu/open_store.hpp"
#include "insitu/target.hpp"
#include "tools.hpp"
#include "unpack/unpack_arguments.hpp"
#include "unpack/unpack_report.hpp"
#include "unpack/unpack_target.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

bool to_stream(const UnpackArguments& options) {
    return options.to_stdout() || node_kind(options.target) == NodeKind::stream;
}

UnpackResult unpack_stream(Tool& tool, const UnpackArguments& options, const Image& image,
                           ManifestCheck* check) {
    if (options.to_stdout()) {
        begin_stdout_data(tool);
        return unpack_to_stream(image, tool.world().output_fd(), "standard output",
                                unpack_options(options, check), tool.control());
    }
    const UniqueFd fd(::open(options.target.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) throw io_error({.file = options.target}, "cannot open", errno);
    return unpack_to_stream(image, fd.get(), options.target, unpack_options(options, check),
                            tool.control());
}

UnpackResult unpack_file(Tool& tool, const UnpackArguments& options, const Image& image,
                         ManifestCheck* check) {
    refuse_same_storage(options.image.path, options.target, "the image");
    UnpackOptions wanted = unpack_options(options, check);
    if (const auto device_bytes = Target::device_bytes(options.target)) {
        fit_device(tool, options, image, *device_bytes, wanted);
    }
    Target target = open_raw_target(tool, options, image, wanted);
    wanted.target_content = target.content();
    begin_target(tool, target);
    const Control control = tool.control();
    UnpackResult result = unpack(image, target.store(), wanted, control);
    control.syncing();
    // Content that is not what it should be does not get the name of the target.
    if (check != nullptr) check->finish();
    commit_target(tool, target);
    return result;
}

// The source's own size, of which a manifest knows.
void take_size(Tool& tool, const ManifestFile& manifest, const Image& image,
               UnpackArguments& options) {
    require_size_of(manifest, image);
    options.raw_bytes = manifest.raw_bytes();
    if (!options.raw_bytes || *options.raw_bytes == manifest.logical_bytes()) return;
    tool.note(fmt::format("{}: {} after the end of the source are padding and left out",
                          options.image.path,
                          counted(manifest.logical_bytes() - *options.raw_bytes, "byte")));
}

int unpack_tool(Tool& tool, UnpackArguments options) {
    const ImageInput input(tool, options.image);
    const bool stream = to_stream(options);
    std::optional<ManifestFile> manifest;
    std::optional<ManifestCheck> check;
    if (!options.manifest.empty()) {
        manifest.emplace(options.manifest);
        check.emplace(*manifest, input.image(), tool.stop());
        take_size(tool, *manifest, input.image(), options);
    } else if (!options.size_of.empty()) {
        take_size(tool, ManifestFile(options.size_of), input.image(), options);
    }
    ManifestCheck* const checked = check ? &*check : nullptr;
    const UnpackResult result = stream ? unpack_stream(tool, options, input.image(), checked)
                                       : unpack_file(tool, options, input.image(), checked);
    if (stream && check) check->finish();
    tool.end_progress();
    const UnpackReport report{options.image.path, options.target, check.has_value()};
    complain_of_damage(tool, report, result);
    if (!options.map.empty()) {
        write_map(options.map, result, unpack_options(options, nullptr).offset_bytes);
    }
    if (result.long_words != 0) {
        tool.note(
            fmt::format("{}: {} with a length word beyond its stream, read as the driver "
                        "reads it; insitu-fsck reports where",
                        options.image.path, counted(result.long_words, "extent")));
    }
    if (tool.common().verbose) tool.note(unpack_details(input.image(), result));
    if (tool.common().json) {
        tool.print_json(unpack_json(report, result, tool.seconds()));
    } else if (!tool.common().quiet && !stream) {
        tool.print_report(unpack_text(report, result, tool.seconds()));
    }
    return result.damage_count == 0 ? exit_done : exit_failed;
}

}  // namespace

int insitu::apps::run_unpack(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-unpack",
              "Unpack an insitu-comp image to a raw image, device or stream");
    UnpackArguments options;
    add_unpack_arguments(tool, options);
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] { return unpack_tool(tool, options); });
}
