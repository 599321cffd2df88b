// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "common/identity_options.hpp"
#include "common/image_input.hpp"
#include "common/paths.hpp"
#include "common/report.hpp"
#include "common/sizes.hpp"
#include "common/target_run.hpp"
#include "common/tool.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/ops/copy.hpp"
#include "insitu/pack.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    ImageInputOptions source;
    std::string target;
    std::string size;
    IdentityArguments identity;
    bool label_given = false;
    bool force = false;
};

std::uint64_t target_bytes_of(const Options& options, const Image& image,
                              std::optional<std::uint64_t> device_bytes) {
    if (device_bytes && !options.size.empty()) {
        throw Error(ErrorKind::refused, {.file = options.target},
                    "--size is for files: an image takes the whole of a device",
                    "leave --size out, or make a partition of that size");
    }
    if (device_bytes) return *device_bytes;
    if (options.size.empty()) return image.geometry().device_bytes();
    return pack_target_bytes(parse_size(options.size, "--size"));
}

// A copy has the name of what it was copied from, unless it is given another.
std::optional<Identity> identity_for(const Options& options, const Store& source) {
    const auto uuid = options.identity.parsed_uuid();
    const std::string& label = options.identity.checked_label();
    std::optional<Identity> identity = read_identity(source);
    if (!uuid && !options.label_given) return identity;
    if (!identity) identity = Identity{random_uuid(), {}};
    if (uuid) identity->uuid = *uuid;
    if (options.label_given) identity->label = label;
    return identity;
}

void report(const Tool& tool, const Options& options, const CopyResult& result,
            const std::optional<Identity>& identity) {
    const Geometry geometry(result.super.counts);
    if (tool.common().json) {
        Json document;
        document["source"] = options.source.path;
        document["target"] = options.target;
        add_identity(document, identity);
        document["device_bytes"] = geometry.device_bytes();
        add_totals(document, geometry, result.extents);
        document["written_bytes"] = result.written_bytes;
        document["seconds"] = tool.seconds();
        return tool.print_json(document);
    }
    if (tool.common().quiet) return;
    tool.print(fmt::format(
        "{}: {} copied as they are, {} written\n", options.target,
        counted(result.extents.compressed_extents + result.extents.raw_extents, "extent"),
        human_bytes(result.written_bytes)));
}

int copy_tool(Tool& tool, const Options& options) {
    refuse_same_storage(options.source.path, options.target, "the source");
    const ImageInput input(tool, options.source);
    CopyOptions wanted;
    wanted.identity = identity_for(options, input.store());
    const std::uint64_t bytes =
        target_bytes_of(options, input.image(), Target::device_bytes(options.target));
    Target target(options.target, TargetKind::image, bytes,
                  options.force ? Target::Overwrite::force : Target::Overwrite::refuse,
                  {.mode_limit = mode_limit_of(options.source.path)});
    wanted.target_content = target.content();
    // Refused before old signatures are removed.
    require_room(input.image(), bytes, options.target);
    begin_target(tool, target);
    const CopyResult result = copy_image(input.image(), target.store(), wanted, tool.control());
    commit_target(tool, target);
    tool.end_progress();
    report(tool, options, result, wanted.identity);
    return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-copy", "Copy an insitu-comp image to a device or file of any size");
    Options options;
    CLI::App& cli = tool.cli();
    add_image_options(tool, options.source);
    cli.get_option("IMAGE")->description("Image to be copied");
    cli.add_option("TARGET", options.target, "File or block device")->required();
    cli.add_option("--size", options.size,
                   "Logical size of a file (default: the source's own); more or less than it was")
        ->type_name("SIZE");
    add_identity_options(cli, options.identity, "the source's own");
    cli.add_flag("--force", options.force, "Overwrite what a device holds");
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] {
        options.label_given = cli.count("--label") != 0;
        return copy_tool(tool, options);
    });
}
