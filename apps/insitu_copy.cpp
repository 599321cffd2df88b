#include <fmt/format.h>

#include "common/identity_options.hpp"
#include "common/image_input.hpp"
#include "common/paths.hpp"
#include "common/report.hpp"
#include "common/sizes.hpp"
#include "common/target_run.hpp"
#include "common/tool.hpp"
#include "common/update_run.hpp"
#include "insitu/image/create.hpp"
#include "insitu/ops/copy.hpp"
#include "insitu/ops/pack.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    ImageInputOptions source;
    std::string target;
    std::string size;
    IdentityArguments identity;
    bool label_given = false;
    bool force = false;
    bool update = false;
    bool trust_seals = false;
};

std::uint64_t target_bytes_of(const Options& options, const Image& image,
                              std::optional<std::uint64_t> device_bytes) {
    if (device_bytes && !options.size.empty()) {
        throw Error(ErrorKind::refused, {.file = options.target},
                    "--size is for files: an image takes the whole of a device",
                    "leave --size out, or make a partition of that size");
    }
    if (device_bytes) return *device_bytes;
    if (options.size.empty()) return image.geometry().device_bytes();
    return pack_target_bytes(parse_size(options.size, "--size"));
}

// A copy has the name of what it was copied from, unless it is given another.
std::optional<Identity> identity_for(const Options& options, const Store& source) {
    const auto uuid = options.identity.parsed_uuid();
    const std::string& label = options.identity.checked_label();
    std::optional<Identity> identity = read_identity(source);
    if (!uuid && !options.label_given) return identity;
    if (!identity) identity = Identity{random_uuid(), {}};
    if (uuid) identity->uuid = *uuid;
    if (options.label_given) identity->label = label;
    return identity;
}

struct Result {
    SuperBlock super;
    ExtentTotals extents;
    std::uint64_t written_bytes = 0;
    std::optional<UpdateTotals> update = {};
};

void report(const Tool& tool, const Options& options, const Result& result,
            const std::optional<Identity>& identity) {
    const Geometry geometry(result.super.counts);
    if (tool.common().json) {
        Json document;
        document["source"] = options.source.path;
        document["target"] = options.target;
        add_identity(document, identity);
        document["device_bytes"] = geometry.device_bytes();
        add_totals(document, geometry, result.extents);
        document["written_bytes"] = result.written_bytes;
        if (result.update) add_update(document, *result.update);
        document["seconds"] = tool.seconds();
        return tool.print_json(document);
    }
    if (tool.common().quiet) return;
    if (result.update) {
        return tool.print(fmt::format("{}: {}\n", options.target, update_text(*result.update)));
    }
    tool.print(fmt::format(
        "{}: {} copied as they are, {} written\n", options.target,
        counted(result.extents.compressed_extents + result.extents.raw_extents, "extent"),
        human_bytes(result.written_bytes)));
}

Result update(Tool& tool, const Options& options, const Image& image,
              const std::optional<Identity>& identity) {
    UpdateTarget target(tool, options.target);
    UpdateOptions wanted;
    wanted.identity = identity;
    if (options.trust_seals) wanted.seals = UpdateOptions::Seals::trust;
    const UpdateResult result =
        target.run([&] { return update_image(image, target.store(), wanted, tool.control()); });
    target.finish(result.update);
    return {result.super, result.extents, result.update.written_bytes, result.update};
}

Result copy(Tool& tool, const Options& options, const Image& image,
            const std::optional<Identity>& identity) {
    const std::uint64_t bytes =
        target_bytes_of(options, image, Target::device_bytes(options.target));
    Target target(options.target, TargetKind::image, bytes,
                  options.force ? Target::Overwrite::force : Target::Overwrite::refuse,
                  {.mode_limit = mode_limit_of(options.source.path)});
    CopyOptions wanted;
    wanted.identity = identity;
    wanted.target_content = target.content();
    // Refused before old signatures are removed.
    require_room(image, bytes, options.target);
    begin_target(tool, target);
    const CopyResult result = copy_image(image, target.store(), wanted, tool.control());
    commit_target(tool, target);
    return {result.super, result.extents, result.written_bytes};
}

int copy_tool(Tool& tool, const Options& options) {
    refuse_same_storage(options.source.path, options.target, "the source");
    const ImageInput input(tool, options.source);
    const auto identity = identity_for(options, input.store());
    const Result result = options.update ? update(tool, options, input.image(), identity)
                                         : copy(tool, options, input.image(), identity);
    tool.end_progress();
    report(tool, options, result, identity);
    return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-copy", "Copy an insitu-comp image to a device or file of any size");
    Options options;
    CLI::App& cli = tool.cli();
    add_image_options(tool, options.source);
    cli.get_option("IMAGE")->description("Image to be copied");
    cli.add_option("TARGET", options.target, "File or block device")->required();
    CLI::Option* const size =
        cli.add_option(
               "--size", options.size,
               "Logical size of a file (default: the source's own); more or less than it was")
            ->type_name("SIZE");
    add_identity_options(cli, options.identity, "the source's own");
    CLI::Option* const force =
        cli.add_flag("--force", options.force, "Overwrite what a device holds");
    CLI::Option* const update =
        cli.add_flag("--update", options.update,
                     "TARGET is an older image: write only what differs, in place")
            ->excludes(size)
            ->excludes(force);
    cli.add_flag("--trust-seals", options.trust_seals,
                 "With --update: payloads with equal seals are equal, and not read")
        ->needs(update);
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] {
        options.label_given = cli.count("--label") != 0;
        return copy_tool(tool, options);
    });
}
