// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "common/choices.hpp"
#include "common/image_input.hpp"
#include "common/sizes.hpp"
#include "common/tool.hpp"
#include "insitu/internal/fsck/holes.hpp"
#include "insitu/open_store.hpp"
#include "insitu/trim.hpp"
#include "tools.hpp"
#include "trim/ext_unused.hpp"
#include "trim/unused_list.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    std::string path;
    std::string unused;
    std::string offset;
    bool dry_run = false;
};

struct Report {
    TrimResult trimmed;
    std::uint64_t logical_bytes = 0;
    std::uint64_t punched_bytes = 0;
    std::optional<std::uint64_t> allocated_before;
    std::optional<std::uint64_t> allocated_after;
};

std::vector<ByteRange> unused_of(const Options& options, const OpenedImage& image) {
    if (!options.unused.empty()) return read_unused_list(options.unused, image.size_bytes());
    const std::uint64_t at = options.offset.empty() ? 0 : parse_size(options.offset, "--offset");
    return read_ext_usage(image, options.path, at).unused;
}

// Names what is no image, before the library says that its magic is wrong.
std::optional<std::uint64_t> look_at(const std::string& path) {
    const OwnedStore store = open_store(path, Access::read, Sharing::shared);
    refuse_foreign_content(path, *store);
    return store->allocated_bytes();
}

void print_report(const Tool& tool, const Options& options, const Report& report) {
    const TrimResult& trimmed = report.trimmed;
    if (tool.common().json) {
        Json document;
        document["image"] = options.path;
        document["dry_run"] = options.dry_run;
        document["logical_bytes"] = report.logical_bytes;
        document["unused_bytes"] = trimmed.unused_bytes;
        document["freed_bytes"] = trimmed.freed_bytes;
        document["kept_bytes"] = trimmed.kept_bytes;
        document["punched_bytes"] = report.punched_bytes;
        if (report.allocated_before) document["allocated_bytes_before"] = *report.allocated_before;
        if (report.allocated_after) document["allocated_bytes_after"] = *report.allocated_after;
        document["seconds"] = tool.seconds();
        return tool.print_json(document);
    }
    if (tool.common().quiet) return;
    tool.print_report(fmt::format(
        "{}: {} of {} unused, {} of it {}\n", options.path, human_bytes(trimmed.unused_bytes),
        human_bytes(report.logical_bytes), human_bytes(trimmed.freed_bytes),
        options.dry_run ? "mapped: would be freed" : "freed"));
}

void say_what_was_kept(const Tool& tool, const Options& options, const TrimResult& trimmed) {
    if (trimmed.kept_bytes == 0) return;
    tool.note(
        fmt::format("{}: {} stay mapped: the image is full, and no hole is left for the "
                    "journal that protects the blocks beside them",
                    options.path, human_bytes(trimmed.kept_bytes)));
}

int trim_tool(Tool& tool, const Options& options) {
    Report report;
    report.allocated_before = look_at(options.path);
    OpenOptions open;
    open.access = options.dry_run ? Access::read : Access::read_write;
    open.sharing = options.dry_run ? tool.sharing() : Sharing::exclusive;
    open.unprotected = UnprotectedCommits::refuse;
    OpenedImage image = open_image(options.path, open);
    report.logical_bytes = image.size_bytes();
    const std::vector<ByteRange> unused = unused_of(options, image);
    TrimOptions wanted;
    if (options.dry_run) wanted.mode = TrimOptions::Mode::measure;
    report.trimmed = trim(image, unused, wanted, tool.control());
    image.close();
    if (!options.dry_run) {
        const OwnedStore store = open_store(options.path, Access::read_write);
        report.punched_bytes = punch_holes(Image::open(*store), *store, tool.control());
        store->sync();
        report.allocated_after = store->allocated_bytes();
    }
    tool.end_progress();
    say_what_was_kept(tool, options, report.trimmed);
    print_report(tool, options, report);
    return exit_done;
}

}  // namespace

int insitu::apps::run_trim(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-trim",
              "Free blocks of an image that the file system inside does not use");
    Options options;
    CLI::App& cli = tool.cli();
    cli.add_option("IMAGE", options.path, "Image file or block device")
        ->required()
        ->check(file_name());
    CLI::Option* const unused =
        cli.add_option("--unused", options.unused,
                       "Free the byte ranges of a list instead: a start and a length a line")
            ->type_name("FILE")
            ->check(file_name());
    cli.add_option("--offset", options.offset,
                   "Byte of the image at which the file system starts (default: 0)")
        ->type_name("BYTES")
        ->excludes(unused);
    cli.add_flag("--dry-run", options.dry_run, "Change nothing; report what would be freed");
    tool.add_force_share_option();
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] { return trim_tool(tool, options); });
}
