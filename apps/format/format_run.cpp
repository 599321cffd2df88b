// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/format_run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <span>

#include "common/report.hpp"
#include "common/sha256.hpp"
#include "common/sizes.hpp"
#include "common/target_run.hpp"
#include "insitu/error.hpp"
#include "insitu/format.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/ops/activation.hpp"
#include "insitu/open_store.hpp"
#include "insitu/target.hpp"

namespace insitu::apps {

namespace {

// An existing file is formatted as it stands, with the size that it has.
std::uint64_t wanted_bytes(const FormatArguments& arguments) {
    if (!arguments.size.empty()) return parse_size(arguments.size, arguments.size_option);
    if (arguments.target == "-" || node_kind(arguments.target) == NodeKind::missing) {
        throw Error(
            ErrorKind::refused, {.file = arguments.target}, "does not exist",
            fmt::format("{} creates it", arguments.size_option == "SIZE" ? "SIZE" : "--size SIZE"));
    }
    return open_store(arguments.target, Access::read)->size_bytes();
}

// An empty image holds nothing that a UUID could follow from.
Uuid default_uuid(const World& world, const SuperBlock& super) {
    const char* const epoch = world.variable("SOURCE_DATE_EPOCH");
    if (epoch == nullptr || *epoch == '\0') return random_uuid();
    Sha256 sha256;
    const std::string facts = fmt::format("insitu-format {} {} {}", super.counts.data_blocks,
                                          unsigned{super.comp_alg}, epoch);
    sha256.add(std::as_bytes(std::span(facts)));
    return make_uuid(*parse_uuid(sha256.hex_digits().substr(0, 32)), UuidKind::digest);
}

void report(const Tool& tool, const FormatArguments& arguments, const SuperBlock& super,
            const Identity& identity) {
    const Geometry geometry(super.counts);
    if (tool.common().json) {
        Json document;
        document["target"] = arguments.target;
        document["algorithm"] = to_string(arguments.algorithm);
        add_identity(document, identity);
        document["device_bytes"] = geometry.device_bytes();
        document["logical_bytes"] = geometry.logical_bytes();
        document["meta_blocks"] = geometry.meta_blocks();
        document["data_blocks"] = geometry.data_blocks();
        document["dry_run"] = arguments.dry_run;
        return tool.print_json(document);
    }
    if (tool.common().quiet || arguments.target == "-") return;
    tool.print_report(fmt::format(
        "{}: {}{} image, {} logical ({} data blocks, {} meta blocks)\n", arguments.target,
        arguments.dry_run ? "would be an empty " : "empty ", to_string(arguments.algorithm),
        human_bytes(geometry.logical_bytes()), geometry.data_blocks(), geometry.meta_blocks()));
    if (!tool.common().verbose) return;
    tool.print_report(fmt::format("{:<12}{}\n", "name", identity_text(identity)) +
                      layout_text(geometry) +
                      fmt::format("{:<12}{}\n", "table",
                                  table_line(geometry, arguments.target, MetaPolicy::writeback,
                                             default_commit_delay_seconds)));
}

}  // namespace

int format_target(Tool& tool, const FormatArguments& arguments) {
    const bool to_stdout = arguments.target == "-";
    if (to_stdout) begin_stdout_data(tool);
    const auto device_bytes = to_stdout ? std::nullopt : Target::device_bytes(arguments.target);
    const std::uint64_t size_bytes = device_bytes ? *device_bytes : wanted_bytes(arguments);
    if (device_bytes && !arguments.size.empty() &&
        parse_size(arguments.size, arguments.size_option) != *device_bytes) {
        throw Error(
            ErrorKind::refused, {.file = arguments.target},
            fmt::format("the device has {} bytes: an image takes the whole of it", *device_bytes),
            fmt::format("leave {} out, or make a partition of that size", arguments.size_option));
    }
    const auto uuid = arguments.identity.parsed_uuid();
    const std::string& label = arguments.identity.checked_label();
    const SuperBlock super = super_block_for(size_bytes, arguments.algorithm, arguments.target);
    const auto overwrite = arguments.force ? Target::Overwrite::force : Target::Overwrite::refuse;
    if (!to_stdout && node_kind(arguments.target) == NodeKind::regular_file && !arguments.force) {
        const auto old = open_store(arguments.target, Access::read);
        if (const auto content = find_content(arguments.target, *old)) {
            throw Error(ErrorKind::refused, {.file = arguments.target},
                        fmt::format("the file holds data: {}", *content), "--force overwrites it");
        }
    }
    const Identity identity{uuid ? *uuid : default_uuid(tool.world(), super), label};
    Target target = to_stdout ? make_stdout_target(size_bytes)
                              : Target(arguments.target, TargetKind::image, size_bytes, overwrite);
    if (!arguments.dry_run) {
        begin_target(tool, target);
        format_image(target.store(), arguments.algorithm, target.content(), tool.control(),
                     identity);
        commit_target(tool, target);
        if (to_stdout) send_to_stdout(tool, target.store());
    }
    tool.end_progress();
    report(tool, arguments, super, identity);
    return exit_done;
}

}  // namespace insitu::apps
