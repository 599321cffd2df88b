// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/copy.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/paths.hpp"
#include "common/report.hpp"
#include "common/sizes.hpp"
#include "common/target_run.hpp"
#include "common/update_run.hpp"
#include "copy/copy_arguments.hpp"
#include "copy/delta_run.hpp"
#include "copy/manifest_pair.hpp"
#include "insitu/internal/store/difference_store.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Result {
    SuperBlock super;
    ExtentTotals extents;
    std::uint64_t written_bytes = 0;
    std::uint64_t recoded_windows = 0;
    std::optional<UpdateTotals> update = {};
};

std::string report_text(const CopyArguments& arguments, const Result& result) {
    if (result.update) {
        return fmt::format("{}: {}\n", arguments.target, update_text(*result.update));
    }
    const std::string extents =
        counted(result.extents.compressed_extents + result.extents.raw_extents, "extent");
    if (arguments.recode_given) {
        return fmt::format("{}: {}, {} compressed again, {} written\n", arguments.target, extents,
                           counted(result.recoded_windows, "window"),
                           human_bytes(result.written_bytes));
    }
    return fmt::format("{}: {} copied as they are, {} written\n", arguments.target, extents,
                       human_bytes(result.written_bytes));
}

void report(const Tool& tool, const CopyArguments& arguments, const Result& result,
            const std::optional<Identity>& identity) {
    if (!tool.common().json) {
        if (!tool.common().quiet) tool.print_report(report_text(arguments, result));
        return;
    }
    const Geometry geometry(result.super.counts);
    Json document;
    document["source"] = arguments.source.path;
    document["target"] = arguments.target;
    document["algorithm"] = to_string(static_cast<Algorithm>(result.super.comp_alg));
    add_identity(document, identity);
    document["device_bytes"] = geometry.device_bytes();
    add_totals(document, geometry, result.extents);
    document["recoded_windows"] = result.recoded_windows;
    document["written_bytes"] = result.written_bytes;
    if (result.update) add_update(document, *result.update);
    document["seconds"] = tool.seconds();
    tool.print_json(document);
}

Result update(Tool& tool, const CopyArguments& arguments, const Image& image,
              const std::optional<Identity>& identity) {
    UpdateTarget target(tool, arguments.target);
    UpdateOptions wanted;
    wanted.identity = identity;
    if (arguments.trust_seals) wanted.seals = UpdateOptions::Seals::trust;
    const auto manifests = proven_manifests(arguments, image, target.store());
    if (manifests) {
        wanted.known_equal = [&](WindowIndex window, const WindowMap& map) {
            return manifests->equal(window, map);
        };
    }
    const UpdateResult result =
        target.run([&] { return update_image(image, target.store(), wanted, tool.control()); });
    target.finish(result.update);
    return {result.super, result.extents, result.update.written_bytes, 0, result.update};
}

// What an interrupted copy has left on the device is read, and not written again.
CopyResult copy_to(Store& target, const CopyArguments& arguments, const Image& image,
                   const CopyOptions& wanted, const Control& control) {
    if (!arguments.resume) return copy_image(image, target, wanted, control);
    DifferenceStore difference(target, [] {});
    CopyResult result = copy_image(image, difference, wanted, control);
    result.written_bytes = difference.written_bytes();
    return result;
}

Result copy(Tool& tool, const CopyArguments& arguments, const Image& image,
            const std::optional<Identity>& identity) {
    const auto device_bytes = Target::device_bytes(arguments.target);
    if (arguments.resume && !device_bytes) {
        throw Error(ErrorKind::refused, {.file = arguments.target},
                    "--resume is for devices: an interrupted copy leaves nothing of a file");
    }
    const std::uint64_t bytes = target_bytes_of(arguments, image, device_bytes);
    Target target(arguments.target, TargetKind::image, bytes,
                  arguments.force ? Target::Overwrite::force : Target::Overwrite::refuse,
                  {.mode_limit = mode_limit_of(tool.world(), arguments.source.path)});
    CopyOptions wanted;
    wanted.identity = identity;
    wanted.target_content = target.content();
    wanted.recode = recode_for(arguments, image);
    // Refused before old signatures are removed.
    require_copyable(image, bytes, wanted, arguments.target);
    begin_target(tool, target);
    const CopyResult result = copy_to(target.store(), arguments, image, wanted, tool.control());
    commit_target(tool, target);
    return {result.super, result.extents, result.written_bytes, result.recoded_windows};
}

int copy_tool(Tool& tool, const CopyArguments& arguments) {
    refuse_same_storage(arguments.source.path, arguments.target, "the source");
    const ImageInput input(tool, arguments.source);
    const auto identity = identity_for(arguments, input.store());
    const Result result = arguments.update ? update(tool, arguments, input.image(), identity)
                                           : copy(tool, arguments, input.image(), identity);
    tool.end_progress();
    report(tool, arguments, result, identity);
    return exit_done;
}

}  // namespace

int insitu::apps::run_copy(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-copy",
              "Copy an insitu-comp image to a device or file of any size");
    CopyArguments arguments;
    add_copy_arguments(tool, arguments);
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] {
        complete_copy_arguments(tool.cli(), arguments);
        if (!arguments.delta.empty()) return write_delta(tool, arguments);
        if (!arguments.apply.empty()) return apply_delta_file(tool, arguments);
        return copy_tool(tool, arguments);
    });
}
