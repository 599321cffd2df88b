// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "common/target_run.hpp"
#include "common/tool.hpp"
#include "format/format_run.hpp"
#include "insitu/target.hpp"
#include "mkfs/file_system.hpp"
#include "mkfs/image_output.hpp"
#include "mkfs/mkfs_arguments.hpp"
#include "mkfs/tree_source.hpp"
#include "mkfs/uuid.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

// The file system in the scratch directory, made, filled and compared.
MadeFileSystem build_file_system(const Tool& tool, MkfsArguments& arguments,
                                 const Scratch& scratch) {
    MkfsRequest& request = arguments.request;
    const Tree tree = prepare_tree(tool, arguments, scratch);
    if (request.uuid.empty() && request.epoch) {
        request.uuid = derive_uuid(tree, request.type, *request.epoch);
    }
    MadeFileSystem made = make_file_system(request, tree, scratch, tool.stop());
    if (!tree.empty() && !request.sizes_only) {
        check_file_system(tool, arguments, tree, made.file);
    }
    warn_of_sectors(tool, request.type, made.file);
    return made;
}

int mkfs_tool(Tool& tool, MkfsArguments arguments) {
    const bool to_stream = arguments.target == "-";
    const auto device_bytes = to_stream ? std::nullopt : Target::device_bytes(arguments.target);
    complete_request(tool, arguments, device_bytes);
    const auto overwrite = arguments.force ? Target::Overwrite::force : Target::Overwrite::refuse;
    // What would be refused at the end is refused before the work; a device stays held.
    std::unique_ptr<Target> held;
    if (!to_stream && !arguments.dry_run) {
        held =
            std::make_unique<Target>(arguments.target, TargetKind::image, block_bytes, overwrite);
    }
    if (tool.common().verbose) {
        arguments.request.note = [&tool](const std::string& text) { tool.note(text); };
    }
    arguments.request.warn = [&tool](const std::string& text) { tool.note("note: " + text); };
    const Scratch scratch(arguments.dry_run ? std::string("-") : arguments.target);
    const MadeFileSystem made = build_file_system(tool, arguments, scratch);
    if (arguments.dry_run) return report_size(tool, arguments, made.size_bytes);
    if (to_stream) return stream_image(tool, arguments, made, scratch);
    if (!device_bytes) {
        held.reset();
        held = std::make_unique<Target>(arguments.target, TargetKind::image,
                                        pack_target_bytes(made.size_bytes), overwrite);
    }
    const PackResult result = pack_file(tool, arguments, made.file, *held);
    tool.end_progress();
    report_result(tool, arguments, made, result);
    return exit_done;
}

}  // namespace

int insitu::apps::run_mkfs(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-mkfs",
              "Make an insitu-comp image that holds a file system");
    MkfsArguments arguments;
    // What follows -- belongs to mkfs.
    char** const end = argv + argc;
    char** const rest = std::find(argv, end, std::string("--"));
    if (rest != end) arguments.request.options.assign(rest + 1, end);
    const bool called_by_mkfs =
        argc > 0 && std::filesystem::path(argv[0]).filename() == "mkfs.insitu";
    add_mkfs_arguments(tool, arguments,
                       called_by_mkfs ? WithoutType::makes_empty_image : WithoutType::is_wrong);
    return tool.run(static_cast<int>(rest - argv), argv, [&] {
        if (!arguments.request.type.empty()) {
            if (traits_of(arguments.request.type) != nullptr && needs_fakeroot(arguments)) {
                return run_with_fakeroot(argc, argv, tool.world());
            }
            try {
                return mkfs_tool(tool, arguments);
            } catch (const FakerootNeeded&) {
                return run_with_fakeroot(argc, argv, tool.world());
            }
        }
        FormatArguments empty;
        empty.target = arguments.target;
        empty.size = arguments.size;
        empty.algorithm = arguments.pack.codec.algorithm;
        empty.identity = arguments.identity;
        empty.force = arguments.force;
        empty.size_option = "SIZE";
        return format_target(tool, empty);
    });
}
