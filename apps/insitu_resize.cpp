// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/resize.hpp"

#include <fmt/format.h>

#include "common/image_input.hpp"
#include "common/sizes.hpp"
#include "common/tool.hpp"
#include "insitu/internal/fsck/holes.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/ops/copy.hpp"
#include "insitu/internal/store/file_store.hpp"
#include "insitu/open_store.hpp"
#include "insitu/pack.hpp"
#include "insitu/recovery.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    std::string path;
    std::string size;
    bool to_minimum = false;
};

struct Done {
    std::optional<SuperBlock> before;  // none if it was interrupted
    ResizeResult result;
    bool resumed = false;
};

ResizeOptions options_for(Store& store) {
    ResizeOptions options;
    if (auto* file = dynamic_cast<FileStore*>(&store)) {
        options.set_size = [file](std::uint64_t bytes) { file->resize(bytes); };
    }
    return options;
}

// The content as the next opening of a live device makes it: what a pending commit maps counts.
std::uint64_t minimum_bytes(const Tool& tool, const Store& store) {
    const RecoveredImage recovered = recovered_in_memory(tool, store);
    const Store& settled = recovered.store ? *recovered.store : store;
    const Image image = Image::open(settled, SizeCheck::trust_super, PendingCheck::ignore);
    return std::max<std::uint64_t>(used_blocks(image), 1) * block_bytes;
}

// The device size that is asked for; none: nothing but to complete what was interrupted.
std::optional<std::uint64_t> wanted_bytes(const Tool& tool, const Options& options,
                                          const Store& store) {
    if (options.to_minimum) return pack_target_bytes(minimum_bytes(tool, store));
    if (!options.size.empty()) return pack_target_bytes(parse_size(options.size, "SIZE"));
    if (dynamic_cast<const FileStore*>(&store) == nullptr) return store.size_bytes();
    return std::nullopt;
}

void print_report(const Tool& tool, const Options& options, const Done& done) {
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
    tool.print(fmt::format("{}: {} ({}) in {} of device, {} of payload moved\n", options.path,
                           human_bytes(after.logical_bytes()),
                           counted(after.data_blocks(), "block"), human_bytes(after.device_bytes()),
                           human_bytes(done.result.payload_bytes)));
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

Done resize(Tool& tool, const Options& options, Store& store) {
    const ResizeOptions how = options_for(store);
    Done done;
    if (auto resumed = resume_resize(store, how, tool.control())) {
        tool.note(fmt::format("{}: an interrupted resize was completed", options.path));
        done.result = *resumed;
        done.resumed = true;
    }
    const SuperBlock before =
        Image::open(store, SizeCheck::trust_super, PendingCheck::ignore).super();
    const auto bytes = wanted_bytes(tool, options, store);
    if (!bytes && !done.resumed) throw CLI::RequiredError("SIZE or --to-minimum");
    if (!bytes) return done;
    if (!done.resumed) done.before = before;
    if (done.resumed && pack_target_bytes(Geometry(before.counts).logical_bytes()) == *bytes) {
        return done;
    }
    done.result = resize_image(store, *bytes, how, tool.control());
    return done;
}

void say_what_is_left(Tool& tool, const Options& options, const Store& store) noexcept {
    try {
        if (!unfinished_work(store)) return;
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
    Done done;
    try {
        done = resize(tool, options, *store);
    } catch (...) {
        say_what_is_left(tool, options, *store);
        throw;
    }
    punch_holes(Image(*store, done.result.super), *store, {});
    store->sync();
    tool.end_progress();
    note_larger_device(tool, options, *store, done.result);
    print_report(tool, options, done);
    return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-resize", "Make an insitu-comp image larger or smaller, in place");
    Options options;
    CLI::App& cli = tool.cli();
    cli.add_option("IMAGE", options.path, "Image file or block device")->required();
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
