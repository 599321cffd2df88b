// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/dump.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>

#include "common/image_input.hpp"
#include "common/paths.hpp"
#include "common/target_run.hpp"
#include "common/tool.hpp"
#include "dump_meta/dump_printer.hpp"
#include "insitu/error.hpp"
#include "insitu/target.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    ImageInputOptions image;
    std::string range;
    std::string binary;
    bool hash = false;
    bool meta_only = false;
};

DumpOptions dump_options(const Options& options) {
    DumpOptions result;
    if (options.hash) result.payloads = DumpOptions::Payloads::hashes;
    if (options.meta_only) result.payloads = DumpOptions::Payloads::ignore;
    if (options.range.empty()) return result;
    const auto wrong = [&] {
        return CLI::ValidationError(
            "--range", fmt::format("'{}' is not a range of blocks, such as 0-31", options.range));
    };
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    const char* const end = options.range.data() + options.range.size();
    const auto head = std::from_chars(options.range.data(), end, first);
    if (head.ec != std::errc{} || head.ptr == end || *head.ptr != '-') throw wrong();
    const auto tail = std::from_chars(head.ptr + 1, end, last);
    if (tail.ec != std::errc{} || tail.ptr != end || last < first || last == UINT64_MAX) {
        throw wrong();
    }
    result.first = {first};
    result.end = BlockIndex{last + 1};
    return result;
}

void write_binary(Tool& tool, const Options& options, const Image& image) {
    const Geometry& geometry = image.geometry();
    const bool to_stdout = options.binary == "-";
    if (to_stdout) begin_stdout_data(tool);
    refuse_same_storage(options.image.path, options.binary, "the image");
    Target target = to_stdout ? make_stdout_target(geometry.meta_bytes())
                              : Target(options.binary, TargetKind::raw, geometry.meta_bytes(),
                                       Target::Overwrite::refuse);
    AlignedBuffer buffer(group_meta_bytes);
    for (std::uint64_t at = 0; at < geometry.meta_bytes(); at += buffer.size()) {
        const std::uint64_t length =
            std::min<std::uint64_t>(buffer.size(), geometry.meta_bytes() - at);
        image.store().read_at(geometry.meta_at_byte() + at, buffer.first(length));
        target.store().write_at(at, buffer.view().first(length));
    }
    target.commit();
    if (to_stdout) send_to_stdout(tool, target.store());
}

int dump_tool(Tool& tool, const Options& options) {
    const DumpOptions wanted = dump_options(options);
    const ImageInput input(tool, options.image);
    if (!options.binary.empty()) {
        write_binary(tool, options, input.image());
        return exit_done;
    }
    const bool is_manifest = options.hash && options.range.empty();
    DumpPrinter printer(
        tool, input.image(),
        is_manifest ? DumpPrinter::Names::image_and_map : DumpPrinter::Names::nothing,
        options.range);
    dump(input.image(), wanted, printer, tool.control());
    printer.end();
    return printer.damaged_extents() == 0 ? exit_done : exit_failed;
}

}  // namespace

int insitu::apps::run_dump_meta(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-dump-meta",
              "Print the super block, the geometry and every extent");
    Options options;
    CLI::App& cli = tool.cli();
    add_image_options(tool, options.image);
    cli.add_option("--range", options.range, "Only extents that start in these blocks")
        ->type_name("FIRST-LAST");
    auto* hash = cli.add_flag("--hash", options.hash,
                              "Decode each extent and print the XXH3-128 of its content");
    cli.add_flag("--meta-only", options.meta_only, "Read no payloads: stream lengths are left out")
        ->excludes(hash);
    cli.add_option("--binary", options.binary,
                   "Write the meta area as it is to this file, or - for standard output")
        ->type_name("FILE");
    tool.add_json_option();
    tool.add_progress_option(Tool::Prints::data);
    return tool.run(argc, argv, [&] { return dump_tool(tool, options); });
}
