#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "common/codec_options.hpp"
#include "common/pack_report.hpp"
#include "common/sizes.hpp"
#include "common/tool.hpp"
#include "insitu/error.hpp"
#include "insitu/image/target.hpp"
#include "insitu/store/open.hpp"
#include "mkfs/file_system.hpp"
#include "mkfs/tar_tree.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    MkfsRequest request;
    std::string target;
    std::string size;
    std::string free;
    PackOptions pack;
    bool verify = false;
    bool force = false;
};

// Settles what the file system has to be, before any work is done.
void complete_request(const Tool& tool, Options& options,
                      std::optional<std::uint64_t> device_bytes) {
    MkfsRequest& request = options.request;
    if (!options.size.empty()) request.size_bytes = parse_size(options.size, "SIZE");
    if (!options.free.empty()) request.free_bytes = parse_size(options.free, "--free");
    if (!options.size.empty() && (device_bytes || !options.free.empty())) {
        throw Error(ErrorKind::refused, {.file = options.target},
                    device_bytes ? "SIZE is for files: an image takes the whole of a device"
                                 : "--free is for a file system whose SIZE is left out");
    }
    if (device_bytes) {
        request.size_bytes = Geometry(counts_for_device(*device_bytes)).logical_bytes();
    }
    const char* const epoch = std::getenv("SOURCE_DATE_EPOCH");
    if (epoch != nullptr) request.epoch = epoch;
    if (!std::all_of(request.epoch.begin(), request.epoch.end(),
                     [](unsigned char letter) { return std::isdigit(letter) != 0; })) {
        throw Error(ErrorKind::refused, {.file = "SOURCE_DATE_EPOCH"},
                    fmt::format("is '{}', expected seconds since 1970", request.epoch));
    }
    request.threads = tool.common().threads;
    check_request(request);
    if (request.directory.empty() || request.directory == "-") return;
    if (node_kind(request.directory) != NodeKind::directory) {
        throw Error(ErrorKind::refused, {.file = request.directory}, "is no directory",
                    "a tar is read from standard input: -d - < FILE");
    }
    const auto inside = std::filesystem::weakly_canonical(options.target)
                            .lexically_relative(std::filesystem::canonical(request.directory));
    if (!inside.empty() && *inside.begin() != "..") {
        throw Error(ErrorKind::refused, {.file = options.target},
                    fmt::format("lies in {}, which is to fill it", request.directory));
    }
}

PackResult pack_file(Tool& tool, const Options& options, const std::string& file, Target& target) {
    const auto store = open_store(file, Access::read);
    const auto source = make_source(*store);
    PackOptions wanted = options.pack;
    wanted.target_content = target.content();
    if (options.verify) wanted.verify = PackOptions::Verify::yes;
    target.prepare();
    PackResult result = pack(*source, target.store(), wanted, tool.control());
    target.commit();
    return result;
}

int mkfs_tool(Tool& tool, Options options) {
    const auto device_bytes = Target::device_bytes(options.target);
    complete_request(tool, options, device_bytes);
    const auto overwrite = options.force ? Target::Overwrite::force : Target::Overwrite::refuse;
    // What would be refused at the end is refused before the work; a device stays held.
    auto target =
        std::make_unique<Target>(options.target, TargetKind::image, block_bytes, overwrite);
    const Scratch scratch(options.target);
    MkfsRequest& request = options.request;
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
    const std::string file = make_file_system(request, tree, scratch, tool.stop());
    const std::uint64_t file_bytes = std::filesystem::file_size(file);
    if (!device_bytes) {
        target.reset();
        target = std::make_unique<Target>(options.target, TargetKind::image,
                                          pack_target_bytes(file_bytes), overwrite);
    }
    const PackResult result = pack_file(tool, options, file, *target);
    tool.end_progress();
    const PackReport report{request.type, options.target, options.pack.codec.algorithm,
                            options.verify ? PackReport::Kind::verified : PackReport::Kind::packed};
    if (tool.common().json) {
        Json document = pack_json(report, result, tool.seconds());
        document["file_system"] = request.type;
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
    Options options;
    // What stands behind -- belongs to mkfs.
    char** const end = argv + argc;
    char** const rest = std::find(argv, end, std::string("--"));
    if (rest != end) options.request.options.assign(rest + 1, end);
    CLI::App& cli = tool.cli();
    cli.add_option("-t,--type", options.request.type,
                   fmt::format("File system: {}", fmt::join(file_system_types(), ", ")))
        ->required()
        ->type_name("TYPE");
    cli.add_option("-d,--directory", options.request.directory,
                   "Fill it with this directory, or - for a tar from standard input")
        ->type_name("DIR");
    cli.add_option("TARGET", options.target, "File or block device")->required();
    cli.add_option("SIZE", options.size, "Size of the file system (default: what it needs)");
    cli.add_option("--free", options.free, "Room beside the smallest size that fits")
        ->type_name("SIZE");
    cli.add_option("--uuid", options.request.uuid,
                   "UUID of the file system (default: random, or made from the content where "
                   "SOURCE_DATE_EPOCH is set)")
        ->type_name("UUID");
    add_codec_options(cli, options.pack.codec);
    add_extent_option(cli, options.pack.extents);
    cli.add_flag("--verify", options.verify, "Read back from the medium, decode and compare");
    cli.add_flag("--force", options.force, "Overwrite what a device holds");
    tool.add_json_option();
    tool.add_progress_option();
    cli.footer(
        "What stands behind -- is given to mkfs.TYPE as it is.\n"
        "insitu-mkfs(8) tells more, with examples.");
    return tool.run(static_cast<int>(rest - argv), argv, [&] { return mkfs_tool(tool, options); });
}
