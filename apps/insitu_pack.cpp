// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/pack.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <optional>

#include "common/codec_options.hpp"
#include "common/manifest_writer.hpp"
#include "common/pack_report.hpp"
#include "common/paths.hpp"
#include "common/report.hpp"
#include "common/target_run.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/store/null_store.hpp"
#include "insitu/target.hpp"
#include "pack/expectation.hpp"
#include "pack/pack_arguments.hpp"
#include "pack/pack_update_run.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

void note_extra_block(const Tool& tool, const PackArguments& arguments, const PackResult& result) {
    const std::uint64_t source_blocks = ceil_div(result.source_bytes, block_bytes);
    const std::uint64_t data_blocks = result.super.counts.data_blocks;
    if (data_blocks == source_blocks) return;
    tool.note(
        fmt::format("{}: no device that the driver can use has exactly {} data blocks; the "
                    "image has {}",
                    arguments.target, source_blocks, data_blocks));
}

// Not an error: images can lie inside images. But few people want that.
void note_image_as_source(const Tool& tool, const PackInput& input) {
    if (!input.store || input.store->size_bytes() < block_bytes) return;
    if (read_super_block(*input.store).magic != super_magic) return;
    tool.note(fmt::format("{}: is an insitu-comp image itself: it is packed once more",
                          input.store->name()));
}

Target open_target(const Tool& tool, const PackArguments& arguments, std::uint64_t target_bytes) {
    if (arguments.to_stdout()) return make_stdout_target(target_bytes);
    OutputOptions output{.mode_limit = mode_limit_of(tool.world(), arguments.source)};
    if (arguments.in_place) output.in_place = OutputOptions::InPlace::allow;
    return {arguments.target, TargetKind::image, target_bytes,
            arguments.force ? Target::Overwrite::force : Target::Overwrite::refuse, output};
}

// Packs into a target that appears only when its manifest, if there is one, is complete as well.
PackResult pack_to_target(Tool& tool, const PackArguments& arguments, Source& plain_source,
                          const Expectation& expected, std::uint64_t target_bytes) {
    Target target = open_target(tool, arguments, target_bytes);
    PackOptions wanted = arguments.pack;
    // Refused before old signatures are removed.
    super_block_for_source(plain_source, target_bytes, wanted.codec.algorithm, arguments.target);
    std::optional<ManifestWriter> manifest;
    if (!arguments.manifest.empty()) {
        manifest.emplace(arguments.manifest, arguments.raw_sum, tool.stop());
    }
    ExpectedSource source(plain_source, expected, manifest ? &*manifest : nullptr, tool.stop());
    if (manifest || expected.needs_content()) wanted.content = &source;
    if (arguments.dry_run) {
        NullStore nothing(target_bytes, arguments.target);
        return pack(source, nothing, wanted, tool.control());
    }
    wanted.target_content = target.content();
    if (arguments.verify) wanted.verify = PackOptions::Verify::yes;
    begin_target(tool, target);
    PackResult result = pack(source, target.store(), wanted, tool.control());
    if (manifest) {
        manifest->publish(Geometry(result.super.counts), wanted.codec.algorithm,
                          result.source_bytes, result.identity.uuid);
    }
    commit_target(tool, target);
    if (manifest) manifest->keep();
    if (arguments.to_stdout()) send_to_stdout(tool, target.store());
    return result;
}

// Of a device, or of an image that is updated.
std::optional<std::uint64_t> known_target_bytes(const PackArguments& arguments) {
    if (arguments.update) return updated_target_bytes(arguments.target);
    if (arguments.target.empty() || arguments.to_stdout()) return std::nullopt;
    return Target::device_bytes(arguments.target);
}

int pack_tool(Tool& tool, PackArguments& arguments) {
    arguments.pack.uuid = arguments.identity.parsed_uuid();
    arguments.pack.label = arguments.identity.checked_label();
    const auto device_bytes = known_target_bytes(arguments);
    check_paths(arguments, device_bytes);
    const Expectation expected = expectation_of(arguments);
    if (arguments.to_stdout()) begin_stdout_data(tool);
    const PackInput input =
        open_pack_input(tool, arguments.source, input_options_of(arguments, device_bytes));
    note_image_as_source(tool, input);
    const std::uint64_t target_bytes = target_bytes_for(arguments, device_bytes, *input.source);

    PackReport report{arguments.source, arguments.target, arguments.pack.codec.algorithm};
    report.manifest = arguments.manifest;
    PackResult result;
    if (arguments.measure) {
        NullStore nothing(target_bytes);
        ExpectedSource source(*input.source, expected, nullptr, tool.stop());
        PackOptions wanted = arguments.pack;
        if (expected.needs_content()) wanted.content = &source;
        result = pack(source, nothing, wanted, tool.control());
        report.kind = PackReport::Kind::measured;
    } else if (arguments.update) {
        result = update_packed(tool, arguments, *input.source, expected);
        if (arguments.verify) report.kind = PackReport::Kind::verified;
    } else {
        result = pack_to_target(tool, arguments, *input.source, expected, target_bytes);
        if (arguments.verify) report.kind = PackReport::Kind::verified;
        if (arguments.dry_run) report.kind = PackReport::Kind::dry_run;
    }
    tool.end_progress();
    if (!device_bytes && arguments.size.empty()) note_extra_block(tool, arguments, result);
    if (tool.common().json) {
        tool.print_json(pack_json(report, result, tool.seconds()));
    } else if (!tool.common().quiet && !arguments.to_stdout()) {
        tool.print_report(pack_text(report, result, tool.seconds()));
        if (tool.common().verbose) {
            tool.print_report(codec_text(arguments.pack.codec, arguments.pack.extents) +
                              layout_text(Geometry(result.super.counts)) + tool.threads_text());
        }
    }
    return exit_done;
}

}  // namespace

int insitu::apps::run_pack(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-pack",
              "Pack a raw image, device or stream into an insitu-comp image");
    PackArguments arguments;
    add_pack_arguments(tool, arguments);
    return tool.run(argc, argv, [&] {
        arguments.label_given = tool.cli().count("--label") != 0;
        return pack_tool(tool, arguments);
    });
}
