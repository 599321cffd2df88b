// SPDX-License-Identifier: GPL-2.0-or-later
#include "unpack/unpack_arguments.hpp"

#include <CLI/CLI.hpp>

#include "common/choices.hpp"
#include "common/sizes.hpp"

namespace insitu::apps {

void add_unpack_arguments(Tool& tool, UnpackArguments& options) {
    CLI::App& cli = tool.cli();
    add_image_options(tool, options.image);
    cli.add_option("TARGET", options.target, "File, block device, or - for standard output")
        ->required();
    auto* offset =
        cli.add_option("--offset", options.offset, "Start at this byte of the logical device")
            ->type_name("SIZE");
    auto* length = cli.add_option("--length", options.length,
                                  "Unpack this many bytes (default: up to the end)")
                       ->type_name("SIZE");
    auto* salvage =
        cli.add_flag("--salvage{prefix}", options.salvage,
                     "Continue after damaged extents: what decodes before the damage is "
                     "kept, the rest becomes zeros (=strict: all of it), both are "
                     "listed; exit status 1")
            ->check(one_of({"prefix", "strict"}));
    cli.add_option("--map", options.map,
                   "With --salvage: write a map file for ddrescue(1): what is right (+), unproven "
                   "(?) or lost (-)")
        ->type_name("FILE")
        ->check(file_name())
        ->needs(salvage);
    auto* size_of =
        cli.add_option("--manifest-size", options.size_of,
                       "Make the target as large as the source was, as this manifest says")
            ->type_name("FILE")
            ->check(file_name())
            ->excludes(offset)
            ->excludes(length);
    cli.add_option("--verify-manifest", options.manifest,
                   "Compare all content with this file, which insitu-pack --manifest wrote")
        ->type_name("FILE")
        ->check(file_name())
        ->excludes(offset)
        ->excludes(size_of)
        ->excludes(salvage);
    cli.add_flag("--no-verify-seals", options.ignore_seals,
                 "Do not compare payloads with their seals; the driver does not either");
    cli.add_flag("--force", options.force, "Overwrite what a device holds");
    cli.add_flag("--in-place", options.in_place,
                 "Write into a file that cannot be replaced (a mount point, a closed directory)");
}

UnpackOptions unpack_options(const UnpackArguments& options, ContentSink* content) {
    UnpackOptions result;
    result.content = content;
    if (!options.offset.empty()) result.offset_bytes = parse_size(options.offset, "--offset");
    if (!options.length.empty()) result.length_bytes = parse_size(options.length, "--length");
    if (options.raw_bytes && options.length.empty()) result.length_bytes = options.raw_bytes;
    if (options.ignore_seals) result.seal_check = SealCheck::ignore;
    if (!options.salvage.empty()) {
        result.damage = options.salvage == "strict" ? UnpackOptions::Damage::strict
                                                    : UnpackOptions::Damage::salvage;
    }
    return result;
}

}  // namespace insitu::apps
