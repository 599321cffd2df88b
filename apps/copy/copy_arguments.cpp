// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/copy_arguments.hpp"

#include <CLI/CLI.hpp>

#include "common/choices.hpp"
#include "common/codec_options.hpp"
#include "common/sizes.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/face/name_image.hpp"
#include "insitu/internal/image/create.hpp"

namespace insitu::apps {

namespace {

constexpr unsigned most_percent = 99;

// What changes an image in place by what another one holds.
CLI::Option* add_update_options(CLI::App& cli, CopyArguments& arguments) {
    CLI::Option* const update =
        cli.add_flag("--update", arguments.update,
                     "TARGET is an older image: write only what differs, in place");
    cli.add_flag("--trust-seals", arguments.trust_seals,
                 "With --update: take payloads with equal seals for equal, without reading them")
        ->needs(update);
    CLI::Option* const manifest =
        cli.add_option(
               "--manifest", arguments.manifest,
               "With --update: the manifest of IMAGE; windows are compared by the hashes in "
               "both manifests, and payloads are not read")
            ->type_name("FILE")
            ->check(file_name())
            ->needs(update);
    CLI::Option* const target_manifest =
        cli.add_option("--target-manifest", arguments.target_manifest, "The manifest of TARGET")
            ->type_name("FILE")
            ->check(file_name())
            ->needs(manifest);
    manifest->needs(target_manifest);
    cli.add_flag("--resume", arguments.resume,
                 "Continue an interrupted copy to this device: write only what differs")
        ->excludes(update);
    return update;
}

void add_recode_options(CLI::App& cli, CopyArguments& arguments) {
    add_codec_options(cli, arguments.recode.codec);
    cli.get_option("--alg")->description(
        "Compress again, as lzo or deflate (default: as they are)");
    cli.get_option("--level")->description(
        "Compress again, with this effort: fast, default or best, or 1 to 9");
    add_extent_option(cli, arguments.recode.extents);
    cli.get_option("--extent")
        ->description(
            "Compress again, with extents of 4K, 8K, 16K, 32K, 64K, 128K, or auto: by content");
    add_seals_option(cli, arguments.recode.seals);
    cli.add_option("--worth", arguments.worth_percent,
                   "Compress a window again only if that saves at least this many percent")
        ->type_name("PERCENT")
        ->check(number_from(0, most_percent));
}

}  // namespace

void add_copy_arguments(Tool& tool, CopyArguments& arguments) {
    CLI::App& cli = tool.cli();
    add_image_options(tool, arguments.source);
    cli.get_option("IMAGE")->description("Image to be copied, or changed by --apply");
    CLI::Option* const target = cli.add_option("TARGET", arguments.target,
                                               "File or block device; with --delta the older image")
                                    ->check(file_name());
    CLI::Option* const size =
        cli.add_option("--size", arguments.size,
                       "Logical size of the target, if it is a file (default: that of IMAGE)")
            ->type_name("SIZE");
    add_identity_options(cli, arguments.identity, "the source's own");
    CLI::Option* const force =
        cli.add_flag("--force", arguments.force, "Overwrite what a device holds");
    CLI::Option* const update = add_update_options(cli, arguments);
    update->excludes(size)->excludes(force);
    CLI::Option* const delta =
        cli.add_option("--delta", arguments.delta,
                       "Write to FILE the difference that turns TARGET into IMAGE; TARGET does not "
                       "change")
            ->type_name("FILE")
            ->check(file_name())
            ->excludes(update);
    CLI::Option* const apply =
        cli.add_option("--apply", arguments.apply, "Change IMAGE as FILE says, which --delta wrote")
            ->type_name("FILE")
            ->check(file_name())
            ->excludes(update)
            ->excludes(delta)
            ->excludes(target);
    for (const char* other : {"--size", "--force", "--resume"}) {
        delta->excludes(cli.get_option(other));
        apply->excludes(cli.get_option(other));
    }
    add_recode_options(cli, arguments);
    for (const char* other :
         {"--alg", "--level", "--extent", "--window", "--worth", "--no-seals"}) {
        for (CLI::Option* const way : {update, delta, apply})
            way->excludes(cli.get_option(other));
    }
    apply->excludes(cli.get_option("--uuid"))->excludes(cli.get_option("--label"));
}

void complete_copy_arguments(const CLI::App& cli, CopyArguments& arguments) {
    if (arguments.target.empty() && arguments.apply.empty()) throw CLI::RequiredError("TARGET");
    arguments.label_given = cli.count("--label") != 0;
    arguments.alg_given = cli.count("--alg") != 0;
    arguments.worth_given = cli.count("--worth") != 0;
    for (const char* option : {"--alg", "--level", "--extent", "--window", "--worth"})
        arguments.recode_given = arguments.recode_given || cli.count(option) != 0;
    if (cli.count("--no-seals") != 0 && !arguments.recode_given) {
        throw CLI::ValidationError("--no-seals",
                                   "payloads that are copied as they are keep their seals");
    }
}

std::optional<Identity> identity_for(const CopyArguments& arguments, const Store& source) {
    NameChange change;
    change.uuid = arguments.identity.parsed_uuid();
    const std::string& label = arguments.identity.checked_label();
    if (arguments.label_given) change.label = label;
    return changed_name(read_identity(source), change);
}

std::optional<RecodeOptions> recode_for(const CopyArguments& arguments, const Image& image) {
    if (!arguments.recode_given) return std::nullopt;
    RecodeOptions recode = arguments.recode;
    if (!arguments.alg_given) recode.codec.algorithm = image.algorithm();
    if (arguments.worth_given) recode.worth_percent = arguments.worth_percent;
    return recode;
}

std::uint64_t target_bytes_of(const CopyArguments& arguments, const Image& image,
                              std::optional<std::uint64_t> device_bytes) {
    if (device_bytes && !arguments.size.empty()) {
        throw Error(ErrorKind::refused, {.file = arguments.target},
                    "--size is for files: an image takes the whole of a device",
                    "leave --size out, or make a partition of that size");
    }
    if (device_bytes) return *device_bytes;
    if (arguments.size.empty()) return image.geometry().device_bytes();
    return pack_target_bytes(parse_content_size(arguments.size, "--size"));
}

}  // namespace insitu::apps
