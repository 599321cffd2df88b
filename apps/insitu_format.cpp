#include "insitu/ops/format.hpp"

#include <fmt/format.h>

#include <optional>

#include "common/codec_options.hpp"
#include "common/sizes.hpp"
#include "common/tool.hpp"
#include "insitu/error.hpp"
#include "insitu/image/create.hpp"
#include "insitu/image/target.hpp"
#include "insitu/store/open.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    std::string target;
    std::string size;
    Algorithm algorithm = Algorithm::lzo;
    bool force = false;
    bool dry_run = false;
};

// An existing file is formatted as it stands, with the size that it has.
std::uint64_t wanted_bytes(const Options& options) {
    if (!options.size.empty()) return parse_size(options.size, "--size");
    if (node_kind(options.target) == NodeKind::missing) {
        throw Error(ErrorKind::refused, {.file = options.target}, "does not exist",
                    "--size SIZE creates it");
    }
    return open_store(options.target, Access::read)->size_bytes();
}

void report(const Tool& tool, const Options& options, const SuperBlock& super) {
    const Geometry geometry(super.counts);
    if (tool.common().json) {
        Json document;
        document["target"] = options.target;
        document["algorithm"] = to_string(options.algorithm);
        document["device_bytes"] = geometry.device_bytes();
        document["logical_bytes"] = geometry.logical_bytes();
        document["meta_blocks"] = geometry.meta_blocks();
        document["data_blocks"] = geometry.data_blocks();
        document["dry_run"] = options.dry_run;
        return tool.print_json(document);
    }
    if (tool.common().quiet) return;
    tool.print(fmt::format("{}: {}{} image, {} logical ({} data blocks, {} meta blocks)\n",
                           options.target, options.dry_run ? "would be an empty " : "empty ",
                           to_string(options.algorithm), human_bytes(geometry.logical_bytes()),
                           geometry.data_blocks(), geometry.meta_blocks()));
}

int format(Tool& tool, const Options& options) {
    const auto device_bytes = Target::device_bytes(options.target);
    const std::uint64_t size_bytes = device_bytes ? *device_bytes : wanted_bytes(options);
    if (device_bytes && !options.size.empty() &&
        parse_size(options.size, "--size") != *device_bytes) {
        throw Error(
            ErrorKind::refused, {.file = options.target},
            fmt::format("the device has {} bytes: an image takes the whole of it", *device_bytes),
            "leave --size out, or make a partition of that size");
    }
    const SuperBlock super = super_block_for(size_bytes, options.algorithm, options.target);
    const auto overwrite = options.force ? Target::Overwrite::force : Target::Overwrite::refuse;
    if (node_kind(options.target) == NodeKind::regular_file && !options.force) {
        const auto old = open_store(options.target, Access::read);
        if (const auto content = find_content(options.target, *old)) {
            throw Error(ErrorKind::refused, {.file = options.target},
                        fmt::format("the file holds data: {}", *content), "--force overwrites it");
        }
    }
    Target target(options.target, TargetKind::image, size_bytes, overwrite);
    if (!options.dry_run) {
        target.prepare();
        format_image(target.store(), options.algorithm, target.content());
        target.commit();
    }
    report(tool, options, super);
    return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-format", "Make an empty insitu-comp image: every block unmapped");
    Options options;
    CLI::App& cli = tool.cli();
    cli.add_option("TARGET", options.target, "File or block device")->required();
    cli.add_option("--size", options.size, "Create the file with this size")->type_name("SIZE");
    add_algorithm_option(cli, options.algorithm);
    cli.add_flag("--force", options.force, "Overwrite what the target holds");
    cli.add_flag("--dry-run", options.dry_run, "Check everything, write nothing");
    tool.add_json_option();
    return tool.run(argc, argv, [&] { return format(tool, options); });
}
