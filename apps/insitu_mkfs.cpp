#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "common/pack_report.hpp"
#include "common/target_run.hpp"
#include "common/tool.hpp"
#include "format/format_run.hpp"
#include "insitu/image/target.hpp"
#include "insitu/store/open.hpp"
#include "mkfs/file_system.hpp"
#include "mkfs/mkfs_arguments.hpp"
#include "mkfs/tar_tree.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

// The file system in the scratch directory, made and filled.
std::string build_file_system(const Tool& tool, MkfsRequest& request, const Scratch& scratch) {
    if (request.directory == "-") {
        TarTree tree = unpack_tar(scratch, tool.stop());
        request.directory = tree.directory;
        request.wrapper = tree.wrapper;
        check_request(request);
    }
    TreeSummary tree;
    if (!request.directory.empty()) tree = summarize_tree(request.directory);
    if (request.uuid.empty() && !request.epoch.empty()) {
        request.uuid = derive_uuid(tree, request.type, request.epoch);
    }
    return make_file_system(request, tree, scratch, tool.stop());
}

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

int mkfs_tool(Tool& tool, MkfsArguments arguments) {
    const auto device_bytes = Target::device_bytes(arguments.target);
    complete_request(tool, arguments, device_bytes);
    const auto overwrite = arguments.force ? Target::Overwrite::force : Target::Overwrite::refuse;
    // What would be refused at the end is refused before the work; a device stays held.
    auto target =
        std::make_unique<Target>(arguments.target, TargetKind::image, block_bytes, overwrite);
    if (tool.common().verbose) {
        arguments.request.note = [&tool](const std::string& text) { tool.note(text); };
    }
    const Scratch scratch(arguments.target);
    const std::string file = build_file_system(tool, arguments.request, scratch);
    const std::uint64_t file_bytes = std::filesystem::file_size(file);
    if (!device_bytes) {
        target.reset();
        target = std::make_unique<Target>(arguments.target, TargetKind::image,
                                          pack_target_bytes(file_bytes), overwrite);
    }
    const PackResult result = pack_file(tool, arguments, file, *target);
    tool.end_progress();
    const std::string& type = arguments.request.type;
    const PackReport report{
        type, arguments.target, arguments.pack.codec.algorithm,
        arguments.verify ? PackReport::Kind::verified : PackReport::Kind::packed};
    if (tool.common().json) {
        Json document = pack_json(report, result, tool.seconds());
        document["file_system"] = type;
        document["file_system_bytes"] = file_bytes;
        tool.print_json(document);
    } else if (!tool.common().quiet) {
        tool.print(pack_text(report, result, tool.seconds()));
    }
    return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-mkfs", "Make an insitu-comp image that holds a file system");
    MkfsArguments arguments;
    // What stands behind -- belongs to mkfs.
    char** const end = argv + argc;
    char** const rest = std::find(argv, end, std::string("--"));
    if (rest != end) arguments.request.options.assign(rest + 1, end);
    const bool called_by_mkfs =
        argc > 0 && std::filesystem::path(argv[0]).filename() == "mkfs.insitu";
    add_mkfs_arguments(tool, arguments,
                       called_by_mkfs ? WithoutType::makes_empty_image : WithoutType::is_wrong);
    return tool.run(static_cast<int>(rest - argv), argv, [&] {
        if (!arguments.request.type.empty()) return mkfs_tool(tool, arguments);
        FormatArguments empty{arguments.target, arguments.size, arguments.pack.codec.algorithm,
                              arguments.force};
        empty.size_option = "SIZE";
        return format_target(tool, empty);
    });
}
