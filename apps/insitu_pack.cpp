#include "insitu/ops/pack.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>

#include "common/codec_options.hpp"
#include "common/report.hpp"
#include "common/sizes.hpp"
#include "common/tool.hpp"
#include "insitu/error.hpp"
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
    PackOptions pack;
    bool verify = false;
    bool force = false;
    bool dry_run = false;
};

// The raw content, wherever it comes from, and what keeps it open.
struct Input {
    UniqueFd stream;
    std::unique_ptr<Store> store;
    std::unique_ptr<Source> source;
};

bool is_stream(const std::string& path) {
    return path == "-" || node_kind(path) == NodeKind::stream;
}

// `limit_bytes`: the logical size of the image, where it is fixed before the source is read.
Input open_stream(const Tool& tool, const Options& options,
                  std::optional<std::uint64_t> limit_bytes) {
    Input input;
    const bool is_stdin = options.source == "-";
    const std::string name = is_stdin ? "standard input" : options.source;
    input.stream = UniqueFd(is_stdin ? ::dup(STDIN_FILENO)
                                     : ::open(options.source.c_str(), O_RDONLY | O_CLOEXEC));
    if (!input.stream) throw io_error({.file = name}, "cannot open", errno);
    if (limit_bytes) {
        input.source = make_stream_source(input.stream.get(), name, *limit_bytes, tool.stop());
        return input;
    }
    // Where the data starts follows from the size, so a stream of unknown size is stored first.
    const std::string directory = std::filesystem::absolute(options.target).parent_path();
    input.store = spool_stream(input.stream.get(), name, directory, tool.stop());
    input.source = make_source(*input.store);
    return input;
}

Input open_input(const Tool& tool, const Options& options,
                 std::optional<std::uint64_t> limit_bytes) {
    if (is_stream(options.source)) return open_stream(tool, options, limit_bytes);
    Input input;
    input.store = open_store(options.source, Access::read, tool.sharing());
    input.source = make_source(*input.store);
    return input;
}

void report(const Tool& tool, const Options& options, const PackResult& result, double seconds) {
    const Geometry geometry(result.super.counts);
    const double rate = seconds > 0 ? static_cast<double>(result.source_bytes) / seconds : 0;
    if (tool.common().json) {
        Json document;
        document["source"] = options.source;
        document["target"] = options.target;
        document["algorithm"] = to_string(options.pack.codec.algorithm);
        document["dry_run"] = options.dry_run;
        document["source_bytes"] = result.source_bytes;
        document["device_bytes"] = geometry.device_bytes();
        add_totals(document, geometry, result.extents);
        document["written_bytes"] = result.written_bytes;
        document["verified"] = options.verify;
        document["seconds"] = seconds;
        document["bytes_per_second"] = rate;
        return tool.print_json(document);
    }
    if (tool.common().quiet) return;
    tool.print(totals_text(geometry, result.extents));
    tool.print(fmt::format(
        "{:<12}{} in {:.2f} s ({}/s of source){}\n", options.dry_run ? "would write" : "written",
        human_bytes(result.written_bytes), seconds, human_bytes(static_cast<std::uint64_t>(rate)),
        options.verify && !options.dry_run ? ", verified" : ""));
}

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
                                source.name(), source_bytes));
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

int pack_tool(Tool& tool, const Options& options) {
    if (options.source != "-" && same_storage(options.source, options.target)) {
        throw Error(ErrorKind::refused, {.file = options.target},
                    fmt::format("is the same file or device as the source {}", options.source));
    }
    const auto device_bytes = Target::device_bytes(options.target);
    if (device_bytes && !options.size.empty()) {
        throw Error(ErrorKind::refused, {.file = options.target},
                    "--size is for files: an image takes the whole of a device");
    }
    const Input input = open_input(tool, options, fixed_logical_bytes(options, device_bytes));
    const std::uint64_t target_bytes = device_bytes_for(options, device_bytes, *input.source);
    Target target(options.target, TargetKind::image, target_bytes,
                  options.force ? Target::Overwrite::force : Target::Overwrite::refuse);

    PackOptions pack_options = options.pack;
    PackResult result;
    if (options.dry_run) {
        NullStore nothing(target_bytes, options.target);
        result = pack(*input.source, nothing, pack_options, tool.control());
    } else {
        pack_options.target_content = target.content();
        if (options.verify) pack_options.verify = PackOptions::Verify::yes;
        target.prepare();
        result = pack(*input.source, target.store(), pack_options, tool.control());
        target.commit();
    }
    tool.end_progress();
    if (!device_bytes && options.size.empty()) note_extra_block(tool, options, result);
    report(tool, options, result, tool.seconds());
    return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-pack", "Pack a raw image, device or stream into an insitu-comp image");
    Options options;
    CLI::App& cli = tool.cli();
    cli.add_option("SOURCE", options.source, "Raw image, block device, or - for standard input")
        ->required();
    cli.add_option("TARGET", options.target, "File or block device")->required();
    add_codec_options(cli, options.pack.codec);
    add_extent_option(cli, options.pack.extents);
    cli.add_option("--size", options.size,
                   "Logical size of the image, where it is to have more room than the source, or "
                   "the source is a stream")
        ->type_name("SIZE");
    cli.add_flag("--verify", options.verify, "Read back from the medium, decode and compare");
    cli.add_flag("--dry-run", options.dry_run, "Do everything but write; tell the sizes");
    cli.add_flag("--force", options.force, "Overwrite what a device holds");
    tool.add_force_share_option();
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] { return pack_tool(tool, options); });
}
