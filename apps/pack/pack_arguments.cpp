// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/pack_arguments.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>

#include "common/choices.hpp"
#include "common/codec_options.hpp"
#include "common/paths.hpp"
#include "common/sizes.hpp"
#include "common/temporary_file.hpp"
#include "insitu/error.hpp"
#include "insitu/open_store.hpp"

namespace insitu::apps {

namespace {

// What the source is, and what is known of it.
void add_source_options(CLI::App& cli, PackArguments& arguments) {
    cli.add_option("--expect-size", arguments.expect_size,
                   "Fail unless the source has exactly this size")
        ->type_name("SIZE");
    auto* sum = cli.add_option("--expect-sha256", arguments.expect_sha256,
                               "Fail unless the source has this SHA-256")
                    ->type_name("HEX");
    cli.add_option("--check-manifest", arguments.check_manifest,
                   "Fail unless the source has the content that this manifest lists")
        ->type_name("FILE")
        ->check(file_name());
    cli.add_flag("--allow-empty", arguments.allow_empty,
                 "Accept an empty stream: make an image of zeros");
    std::vector<std::string> formats = input_formats();
    formats.emplace_back("auto");
    auto* from = cli.add_option("--from", arguments.from,
                                "SOURCE is a virtual disk (qcow2, qed, vmdk, vdi, vhdx, vhd, dmg, "
                                "parallels), compressed (gz, xz, zst, bz2), an Android sparse "
                                "image (simg), or auto: by its magic")
                     ->type_name("FORMAT")
                     ->check(one_of(formats));
    cli.add_flag("--raw", arguments.raw, "Pack a virtual disk, archive or compressed file as it is")
        ->excludes(from);
    cli.add_option("--sector-size", arguments.sector_size,
                   "Rewrite the partition table of a disk that was made for sectors of 512 bytes; "
                   "4096 is what the driver's device has")
        ->type_name("SIZE")
        ->check(one_of({"4096", "4K"}))
        ->excludes(sum);
}

}  // namespace

void add_pack_arguments(Tool& tool, PackArguments& arguments) {
    CLI::App& cli = tool.cli();
    cli.add_option("SOURCE", arguments.source, "Raw image, block device, or - for standard input")
        ->required();
    cli.add_option("TARGET", arguments.target,
                   "File, block device, or - for standard output; not needed with --measure");
    add_codec_options(cli, arguments.pack.codec);
    add_extent_option(cli, arguments.pack.extents);
    add_seals_option(cli, arguments.pack.seals);
    add_identity_options(cli, arguments.identity, "one that follows from what it holds");
    auto* size =
        cli.add_option("--size", arguments.size,
                       "Logical size of the image, if it is to be larger than the source, or "
                       "the source is a stream")
            ->type_name("SIZE");
    cli.add_flag("--verify", arguments.verify, "Read back from the medium, decode and compare");
    auto* manifest = cli.add_option("--manifest", arguments.manifest,
                                    "Write hashes of the content to this file, as JSON")
                         ->type_name("FILE")
                         ->check(file_name());
    add_source_options(cli, arguments);
    cli.add_flag_callback(
           "--raw-sha256", [&arguments] { arguments.raw_sum = RawSum::always; },
           "Manifest: the SHA-256 of the raw content even if it has more than 4 GiB of holes")
        ->needs(manifest);
    auto* measure = cli.add_flag("--measure", arguments.measure,
                                 "Print the sizes that the image would have; write nothing")
                        ->excludes(manifest);
    auto* dry_run =
        cli.add_flag("--dry-run", arguments.dry_run, "Do everything but write; print the sizes")
            ->excludes(manifest);
    auto* force = cli.add_flag("--force", arguments.force, "Overwrite what a device holds");
    auto* in_place = cli.add_flag(
        "--in-place", arguments.in_place,
        "Write into a file that cannot be replaced (a mount point, a closed directory)");
    auto* update = cli.add_flag("--update", arguments.update,
                                "TARGET is an older image: write only what differs, in place");
    cli.add_option(
           "--target-manifest", arguments.target_manifest,
           "Manifest of TARGET as it is now: extents with its hashes are not decoded to compare")
        ->type_name("FILE")
        ->check(file_name())
        ->needs(update);
    for (CLI::Option* other : {size, measure, dry_run, force, in_place})
        update->excludes(other);
    tool.add_force_share_option();
    tool.add_json_option();
    tool.add_progress_option();
}

PackInputOptions input_options_of(const PackArguments& arguments,
                                  std::optional<std::uint64_t> device_bytes) {
    PackInputOptions options;
    options.limit_bytes = fixed_logical_bytes(arguments, device_bytes);
    options.raw = arguments.raw;
    options.from = arguments.from;
    options.allow_empty = arguments.allow_empty;
    options.large_sectors = !arguments.sector_size.empty();
    options.spool_directory =
        arguments.measure || arguments.to_stdout() || device_bytes
            ? temporary_directory("/tmp")
            : std::filesystem::absolute(arguments.target).parent_path().string();
    return options;
}

void check_paths(const PackArguments& arguments, std::optional<std::uint64_t> device_bytes) {
    if (arguments.target.empty() && !arguments.measure) throw CLI::RequiredError("TARGET");
    if (arguments.update && arguments.to_stdout()) {
        throw CLI::ValidationError("TARGET", no_stream_text);
    }
    // Standard input may well be the target itself.
    refuse_same_storage(arguments.source == "-" ? "/dev/stdin" : arguments.source, arguments.target,
                        "the source");
    for (const std::string& other : {arguments.source, arguments.target}) {
        if (arguments.manifest.empty()) break;
        if (arguments.manifest != other && !same_storage(arguments.manifest, other)) continue;
        throw Error(ErrorKind::refused, {.file = arguments.manifest},
                    "the manifest would overwrite the source or the target",
                    "give the manifest a name of its own");
    }
    if (device_bytes && !arguments.size.empty()) {
        throw Error(ErrorKind::refused, {.file = arguments.target},
                    "--size is for files: an image takes the whole of a device",
                    "leave --size out, or make a partition of that size");
    }
}

Expectation expectation_of(const PackArguments& arguments) {
    constexpr std::size_t digits = 64;
    Expectation expected;
    if (!arguments.expect_size.empty()) {
        expected.size_bytes = parse_size(arguments.expect_size, "--expect-size");
    }
    const std::string& sum = arguments.expect_sha256;
    const bool is_sum = sum.size() == digits &&
                        sum.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!sum.empty() && !is_sum) {
        throw CLI::ValidationError("--expect-sha256", "'" + sum + "' is not 64 hex digits");
    }
    expected.sha256 = sum;
    if (!arguments.check_manifest.empty()) expected.add_manifest(arguments.check_manifest);
    return expected;
}

std::optional<std::uint64_t> fixed_logical_bytes(const PackArguments& arguments,
                                                 std::optional<std::uint64_t> device_bytes) {
    if (device_bytes) return Geometry(counts_for_device(*device_bytes)).logical_bytes();
    if (arguments.size.empty()) return std::nullopt;
    return parse_size(arguments.size, "--size");
}

std::uint64_t target_bytes_for(const PackArguments& arguments,
                               std::optional<std::uint64_t> device_bytes, const Source& source) {
    if (device_bytes) return *device_bytes;
    const std::uint64_t source_bytes = source.size_bytes().value_or(0);
    const std::uint64_t logical_bytes =
        arguments.size.empty() ? source_bytes : parse_size(arguments.size, "--size");
    if (logical_bytes == 0 && !arguments.size.empty()) {
        throw Error(ErrorKind::refused, {.file = arguments.target},
                    "--size of 0 bytes is too small: an image needs at least one block of content",
                    "leave --size out, or give as much as the source has");
    }
    if (logical_bytes == 0) {
        throw Error(ErrorKind::refused, {.file = source.name()},
                    "has 0 bytes: an image needs at least one block of content",
                    "--size gives an empty source some room");
    }
    if (logical_bytes < source_bytes) {
        throw Error(ErrorKind::refused, {.file = arguments.target},
                    fmt::format("--size of {} bytes is too small: {} has {}", logical_bytes,
                                source.name(), source_bytes),
                    "leave --size out, or give as much");
    }
    return pack_target_bytes(logical_bytes);
}

}  // namespace insitu::apps
