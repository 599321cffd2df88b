// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/face/resize_store.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "common/choices.hpp"
#include "common/image_input.hpp"
#include "common/sizes.hpp"
#include "common/tool.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/open_store.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    std::string path;
    std::string size;
    bool to_minimum = false;
};

std::optional<ResizeOutcome> resize(const Tool& tool, const Options& options, Store& store,
                                    const Control& control) {
    ResizeRequest request;
    if (!options.size.empty()) request.logical_bytes = parse_content_size(options.size, "SIZE");
    if (options.to_minimum) request.fit = ResizeRequest::Fit::minimum;
    auto outcome = resize_store(store, request, control);
    if (!outcome) return outcome;
    if (outcome->resumed) {
        tool.note(fmt::format("{}: an interrupted resize was completed", options.path));
    }
    if (outcome->recovered_windows != 0) {
        tool.note(
            fmt::format("{}: left by an interrupted live device; its last commit ({}) was "
                        "applied",
                        options.path, counted(outcome->recovered_windows, "window")));
    }
    return outcome;
}

void print_report(const Tool& tool, const Options& options, const ResizeOutcome& done) {
    const Geometry after(done.result.super.counts);
    if (tool.common().json) {
        Json document;
        document["image"] = options.path;
        document["resumed"] = done.resumed;
        if (done.before) {
            document["logical_bytes_before"] = Geometry(done.before->counts).logical_bytes();
        }
        document["logical_bytes"] = after.logical_bytes();
        document["device_bytes"] = after.device_bytes();
        document["moved_blocks"] = done.result.moved_blocks;
        document["moved_payload_bytes"] = done.result.payload_bytes;
        document["seconds"] = tool.seconds();
        return tool.print_json(document);
    }
    if (tool.common().quiet) return;
    tool.print_report(
        fmt::format("{}: {} ({}) in {} of device, {} of payload moved\n", options.path,
                    human_bytes(after.logical_bytes()), counted(after.data_blocks(), "block"),
                    human_bytes(after.device_bytes()), human_bytes(done.result.payload_bytes)));
}

void note_larger_device(const Tool& tool, const Options& options, const Store& store,
                        const ResizeResult& result) {
    const std::uint64_t bytes = Geometry(result.super.counts).device_bytes();
    if (store.size_bytes() / block_bytes == bytes / block_bytes) return;
    tool.note(
        fmt::format("{}: has {} bytes, the image is for one of {}: the driver refuses it "
                    "until the device has that size",
                    options.path, store.size_bytes(), bytes));
}

void say_what_is_left(Tool& tool, const Options& options, const Store& store) noexcept {
    try {
        const auto work = unfinished_work(store);
        if (!work || work->kind != WorkKind::resize) return;
        tool.say_on_failure(
            fmt::format("{}: is moved in part, and refused by all tools until "
                        "insitu-resize {} completes it",
                        options.path, options.path));
    } catch (...) {
        // The failure itself is more important.
    }
}

int resize_tool(Tool& tool, const Options& options) {
    const OwnedStore store = open_store(options.path, Access::read_write);
    if (!unfinished_work(*store)) refuse_foreign_content(options.path, *store);
    std::optional<ResizeOutcome> done;
    try {
        done = resize(tool, options, *store, tool.control());
    } catch (...) {
        say_what_is_left(tool, options, *store);
        throw;
    }
    if (!done) throw CLI::RequiredError("SIZE or --to-minimum");
    tool.end_progress();
    note_larger_device(tool, options, *store, done->result);
    print_report(tool, options, *done);
    return exit_done;
}

}  // namespace

int insitu::apps::run_resize(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-resize",
              "Make an insitu-comp image larger or smaller, in place");
    Options options;
    CLI::App& cli = tool.cli();
    cli.add_option("IMAGE", options.path, "Image file or block device")
        ->required()
        ->check(file_name());
    CLI::Option* const size =
        cli.add_option("SIZE", options.size,
                       "New logical size (default: the whole of a device; for a file, what an "
                       "interrupted run was for)");
    cli.add_flag("--to-minimum", options.to_minimum, "As small as the last mapped block allows")
        ->excludes(size);
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] { return resize_tool(tool, options); });
}
