#include "insitu/ops/pack.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "common/codec_options.hpp"
#include "common/manifest_writer.hpp"
#include "common/pack_input.hpp"
#include "common/pack_report.hpp"
#include "common/sizes.hpp"
#include "common/tool.hpp"
#include "insitu/error.hpp"
#include "insitu/image/image.hpp"
#include "insitu/image/target.hpp"
#include "insitu/store/null_store.hpp"
#include "insitu/store/open.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    std::string source;
    std::string target;
    std::string size;
    std::string manifest;
    PackOptions pack;
    bool verify = false;
    bool force = false;
    bool dry_run = false;
    bool measure = false;
};

// The size of the image's device, from what is known of the target and the source.
std::uint64_t device_bytes_for(const Options& options, std::optional<std::uint64_t> device_bytes,
                               const Source& source) {
    if (device_bytes) return *device_bytes;
    const std::uint64_t source_bytes = source.size_bytes().value_or(0);
    if (options.size.empty()) return pack_target_bytes(source_bytes);
    const std::uint64_t logical_bytes = parse_size(options.size, "--size");
    if (logical_bytes < source_bytes) {
        throw Error(ErrorKind::refused, {.file = options.target},
                    fmt::format("--size of {} bytes is too small: {} has {}", logical_bytes,
                                source.name(), source_bytes),
                    "leave --size out, or give as much");
    }
    return pack_target_bytes(logical_bytes);
}

// The logical size of the image, where it does not follow from the source.
std::optional<std::uint64_t> fixed_logical_bytes(const Options& options,
                                                 std::optional<std::uint64_t> device_bytes) {
    if (device_bytes) return Geometry(counts_for_device(*device_bytes)).logical_bytes();
    if (options.size.empty()) return std::nullopt;
    return parse_size(options.size, "--size");
}

void note_extra_block(const Tool& tool, const Options& options, const PackResult& result) {
    const std::uint64_t source_blocks = ceil_div(result.source_bytes, block_bytes);
    const std::uint64_t data_blocks = result.super.counts.data_blocks;
    if (data_blocks == source_blocks) return;
    tool.note(
        fmt::format("{}: no device that the driver can use has exactly {} data blocks; the "
                    "image has {}",
                    options.target, source_blocks, data_blocks));
}

// Not an error: images can lie inside images. But few people want that.
void note_image_as_source(const Tool& tool, const PackInput& input) {
    if (!input.store || input.store->size_bytes() < block_bytes) return;
    if (read_super_block(*input.store).magic != super_magic) return;
    tool.note(fmt::format("{}: is an insitu-comp image itself: it is packed once more",
                          input.store->name()));
}

void check_paths(const Options& options, std::optional<std::uint64_t> device_bytes) {
    if (options.target.empty() && !options.measure) throw CLI::RequiredError("TARGET");
    if (options.source != "-" && same_storage(options.source, options.target)) {
        throw Error(ErrorKind::refused, {.file = options.target},
                    fmt::format("is the same file or device as the source {}", options.source),
                    "write to another file, then rename it");
    }
    for (const std::string& other : {options.source, options.target}) {
        if (options.manifest.empty()) break;
        if (options.manifest != other && !same_storage(options.manifest, other)) continue;
        throw Error(ErrorKind::refused, {.file = options.manifest},
                    "the manifest would overwrite the source or the target");
    }
    if (device_bytes && !options.size.empty()) {
        throw Error(ErrorKind::refused, {.file = options.target},
                    "--size is for files: an image takes the whole of a device");
    }
}

// Packs into a target that appears only when its manifest, if there is one, is complete as well.
PackResult pack_to_target(Tool& tool, const Options& options, Source& source,
                          std::uint64_t target_bytes) {
    Target target(options.target, TargetKind::image, target_bytes,
                  options.force ? Target::Overwrite::force : Target::Overwrite::refuse);
    PackOptions wanted = options.pack;
    if (options.dry_run) {
        NullStore nothing(target_bytes, options.target);
        return pack(source, nothing, wanted, tool.control());
    }
    std::optional<ManifestWriter> manifest;
    if (!options.manifest.empty()) {
        manifest.emplace(options.manifest, tool.stop());
        wanted.content = &*manifest;
    }
    wanted.target_content = target.content();
    if (options.verify) wanted.verify = PackOptions::Verify::yes;
    target.prepare();
    PackResult result = pack(source, target.store(), wanted, tool.control());
    if (manifest) {
        manifest->commit(Geometry(result.super.counts), wanted.codec.algorithm,
                         result.source_bytes);
    }
    target.commit();
    return result;
}

int pack_tool(Tool& tool, const Options& options) {
    const auto device_bytes =
        options.target.empty() ? std::nullopt : Target::device_bytes(options.target);
    check_paths(options, device_bytes);
    const std::string spool_directory =
        options.measure ? std::filesystem::temp_directory_path()
                        : std::filesystem::absolute(options.target).parent_path();
    const PackInput input = open_pack_input(
        tool, options.source, fixed_logical_bytes(options, device_bytes), spool_directory);
    note_image_as_source(tool, input);
    const std::uint64_t target_bytes = device_bytes_for(options, device_bytes, *input.source);

    PackReport report{options.source, options.target, options.pack.codec.algorithm};
    report.manifest = options.manifest;
    PackResult result;
    if (options.measure) {
        NullStore nothing(target_bytes);
        result = pack(*input.source, nothing, options.pack, tool.control());
        report.kind = PackReport::Kind::measured;
    } else {
        result = pack_to_target(tool, options, *input.source, target_bytes);
        if (options.verify) report.kind = PackReport::Kind::verified;
        if (options.dry_run) report.kind = PackReport::Kind::dry_run;
    }
    tool.end_progress();
    if (!device_bytes && options.size.empty()) note_extra_block(tool, options, result);
    if (tool.common().json) {
        tool.print_json(pack_json(report, result, tool.seconds()));
    } else if (!tool.common().quiet) {
        tool.print(pack_text(report, result, tool.seconds()));
    }
    return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-pack", "Pack a raw image, device or stream into an insitu-comp image");
    Options options;
    CLI::App& cli = tool.cli();
    cli.add_option("SOURCE", options.source, "Raw image, block device, or - for standard input")
        ->required();
    cli.add_option("TARGET", options.target, "File or block device; not needed to --measure");
    add_codec_options(cli, options.pack.codec);
    add_extent_option(cli, options.pack.extents);
    cli.add_option("--size", options.size,
                   "Logical size of the image, where it is to have more room than the source, or "
                   "the source is a stream")
        ->type_name("SIZE");
    cli.add_flag("--verify", options.verify, "Read back from the medium, decode and compare");
    auto* manifest = cli.add_option("--manifest", options.manifest,
                                    "Write hashes of the content to this file, as JSON")
                         ->type_name("FILE");
    cli.add_flag("--measure", options.measure, "Tell all sizes and what a file would take")
        ->excludes(manifest);
    cli.add_flag("--dry-run", options.dry_run, "Do everything but write; tell the sizes")
        ->excludes(manifest);
    cli.add_flag("--force", options.force, "Overwrite what a device holds");
    tool.add_force_share_option();
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] { return pack_tool(tool, options); });
}
