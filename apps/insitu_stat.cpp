// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/stat.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <optional>
#include <vector>

#include "common/choices.hpp"
#include "common/identity_options.hpp"
#include "common/image_input.hpp"
#include "common/map_page.hpp"
#include "common/paths.hpp"
#include "common/printable.hpp"
#include "common/sector_warning.hpp"
#include "common/tool.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/ops/activation.hpp"
#include "insitu/open_store.hpp"
#include "stat/live_report.hpp"
#include "stat/map_text.hpp"
#include "stat/stat_report.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    ImageInputOptions image;
    bool table = false;
    bool writethrough = false;
    unsigned commit_delay_seconds = default_commit_delay_seconds;
    std::string can_activate;
    bool seals = false;
    bool udev = false;
    bool live = false;
    bool prometheus = false;
    unsigned timeout_seconds = 10;
    bool map = false;
    std::string html;
};

std::string pending_problem(PendingState state) {
    if (state == PendingState::pending) return fmt::format("{}; {}", pending_text, pending_hint);
    return "an interrupted live device left a commit, and another program has written to the "
           "image since; the live device opened with pending=apply or pending=drop settles it";
}

// Reads what there is of an image, also one that Image::open() would not take.
int can_activate(Tool& tool, const Options& options) {
    const auto store = open_store(options.image.path, Access::read, tool.sharing());
    // The device may well be the image itself, or hold it.
    const auto device = open_store(options.can_activate, Access::read, Sharing::shared);
    refuse_unfinished(*store);
    const SuperBlock super = read_super_block(*store);
    const auto* block_device = dynamic_cast<const BlockDevice*>(device.get());
    const DeviceFacts facts{device->size_bytes(), block_device != nullptr
                                                      ? block_device->logical_sector_bytes()
                                                      : static_cast<unsigned>(sector_bytes)};
    ImageStat stat;
    const bool readable =
        !check_super_block(super, facts.size_bytes).has(SuperFault::counts_impossible);
    if (readable) stat = stat_image(Image(*store, super), tool.control());
    auto problems = activation_problems(super, facts, readable ? &stat : nullptr);
    const PendingState pending = pending_state(*store);
    if (pending != PendingState::none) problems.push_back(pending_problem(pending));
    tool.end_progress();
    if (tool.common().json) {
        Json document;
        document["image"] = options.image.path;
        document["device"] = options.can_activate;
        document["can_activate"] = problems.empty();
        document["problems"] = problems;
        document["pending_intent"] = pending != PendingState::none;
        tool.print_json(document);
    } else if (!tool.common().quiet) {
        if (problems.empty()) {
            tool.print_report(fmt::format("{}: the driver opens {} on it\n", options.can_activate,
                                          options.image.path));
        }
        for (const std::string& problem : problems) {
            tool.print_report(fmt::format("{}: {}\n", options.can_activate, problem));
        }
    }
    return problems.empty() ? exit_done : exit_failed;
}

// For udev's IMPORT, which comes while others have the device: no lock, and no check of the size.
int print_udev(Tool& tool, const std::string& path) {
    const auto store = open_store(path, Access::read, Sharing::shared);
    if (read_super_block(*store).magic != super_magic) {
        throw Error(ErrorKind::damaged, {.file = path}, "not an insitu-comp image");
    }
    tool.print(udev_properties(read_identity(*store)));
    return exit_done;
}

// Blanks separate the words of a table, and a backslash takes the meaning from the character behind
// it. The kernel takes the byte 0xa0 for a blank as well, even inside of a character.
void require_table_name(const std::string& path) {
    const std::string shown = printable(path);
    if (shown == path && path.find_first_of(" \\\xa0") == std::string::npos) return;
    throw Error(
        ErrorKind::refused, {.file = shown},
        "a table cannot have this name: it holds a blank (to the kernel the byte 0xa0 is one, "
        "too), a backslash, a control character or bytes that are no text",
        "give it another name, or use a link with a plain one");
}

int print_table(Tool& tool, const Options& options, const ImageInput& input) {
    require_table_name(options.image.path);
    if (input.pending_windows()) {
        throw Error(ErrorKind::refused, {.file = options.image.path}, pending_text, pending_hint);
    }
    const MetaPolicy policy =
        options.writethrough ? MetaPolicy::writethrough : MetaPolicy::writeback;
    tool.print(table_line(input.image().geometry(), options.image.path, policy,
                          options.commit_delay_seconds) +
               "\n");
    return exit_done;
}

// Each prints something else.
void exclude_each_other(const std::vector<CLI::Option*>& options) {
    for (auto one = options.begin(); one != options.end(); ++one) {
        for (auto other = one + 1; other != options.end(); ++other)
            (*one)->excludes(*other);
    }
}

int stat_tool(Tool& tool, const Options& options) {
    if (options.udev) return print_udev(tool, options.image.path);
    if (options.live) {
        print_live(tool, options.image.path,
                   options.prometheus ? LiveFormat::prometheus : LiveFormat::by_option,
                   std::chrono::seconds{options.timeout_seconds});
        return exit_done;
    }
    if (!options.can_activate.empty()) return can_activate(tool, options);
    const ImageInput input(tool, options.image);
    PageFile page(tool, options.html, options.image.path);
    if (options.table) return print_table(tool, options, input);
    if (options.map) {
        const MapStyle style = map_style_of(tool.world());
        const RegionMap map = map_regions(input.image(), regions_for(style), tool.control());
        tool.end_progress();
        if (!tool.common().quiet) tool.print(map_text(map, style));
        return exit_done;
    }
    const ImageStat stat = stat_image(input.image(), tool.control());
    std::optional<SealCoverage> seals;
    if (options.seals) seals = seal_coverage(input.image(), tool.control());
    tool.end_progress();
    warn_of_small_sectors(tool, input.image());
    const auto html = [&] {
        const RegionMap map = map_regions(input.image(), page_regions, tool.control());
        return map_page({.title = options.image.path, .report = stat_json(input, stat, seals)},
                        map);
    };
    const int status = page.write(html, exit_failed);
    print_stat(tool, input, stat, seals);
    return status;
}

}  // namespace

int insitu::apps::run_stat(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-stat",
              "Print what an insitu-comp image holds, by its meta alone");
    Options options;
    CLI::App& cli = tool.cli();
    add_image_options(tool, options.image);
    auto* const table =
        cli.add_flag("--table", options.table, "Print the table line for dmsetup(8)");
    cli.add_flag("--writethrough", options.writethrough, "Table line for writethrough meta")
        ->needs(table);
    cli.add_option("--commit-delay", options.commit_delay_seconds,
                   "Table line: seconds between writes of meta (default: 5)")
        ->type_name("SECONDS")
        ->check(number_from(1, 86400))
        ->needs(table);
    auto* const can_activate =
        cli.add_option(
               "--can-activate", options.can_activate,
               "Report whether the driver would open the image on this device; exit status 0 or "
               "1")
            ->type_name("DEV")
            ->check(file_name());
    auto* const udev =
        cli.add_flag("--udev", options.udev,
                     "Print type, UUID and label for udev, even while the device is in use");
    auto* const seals =
        cli.add_flag("--seals", options.seals,
                     "Count the extents that have a seal: reads the end of each payload");
    auto* const map = cli.add_flag(
        "--map", options.map, "Print a picture of the device instead: what takes how much space");
    auto* const html =
        cli.add_option("--html", options.html,
                       "Write a page with that picture, to zoom into, and all figures")
            ->type_name("FILE")
            ->check(file_name());
    auto* const live = cli.add_flag("--live", options.live,
                                    "Ask the server of an attached image, or of a control socket");
    auto* const prometheus = cli.add_flag("--prometheus", options.prometheus,
                                          "With --live: print the figures as Prometheus reads them")
                                 ->needs(live);
    cli.add_option("--timeout", options.timeout_seconds,
                   "With --live: fail after so long without an answer (default: 10)")
        ->type_name("SECONDS")
        ->check(number_from(1, 3600))
        ->needs(live);
    tool.add_json_option();
    exclude_each_other({table, can_activate, udev, map, html, live});
    // These print no JSON, and count no seals.
    for (CLI::Option* const text : {table, udev, map, prometheus})
        text->excludes("--json");
    for (CLI::Option* const other : {table, can_activate, udev, map, live})
        seals->excludes(other);
    tool.add_progress_option();
    return tool.run(argc, argv, [&] { return stat_tool(tool, options); });
}
