// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/mkfs_arguments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "common/choices.hpp"
#include "common/codec_options.hpp"
#include "common/sizes.hpp"
#include "common/target_run.hpp"
#include "insitu/error.hpp"
#include "insitu/open_store.hpp"

namespace insitu::apps {

namespace {

// SOURCE_DATE_EPOCH, or nothing.
std::optional<std::int64_t> epoch_of(const World& world) {
    const char* const value = world.variable("SOURCE_DATE_EPOCH");
    const std::string text = value == nullptr ? "" : value;
    if (text.empty()) return std::nullopt;
    constexpr std::size_t most_digits = 10;
    const bool digits = std::all_of(text.begin(), text.end(),
                                    [](unsigned char letter) { return std::isdigit(letter) != 0; });
    if (digits && text.size() <= most_digits) return std::stoll(text);
    throw Error(ErrorKind::refused, {.file = "SOURCE_DATE_EPOCH"},
                fmt::format("is '{}', expected seconds since 1970", text),
                "SOURCE_DATE_EPOCH=$(date +%s), or unset it");
}

void check_directory(const std::string& directory, const std::string& target) {
    if (node_kind(directory) != NodeKind::directory) {
        throw Error(ErrorKind::refused, {.file = directory}, "is not a directory",
                    "a tar is read from standard input: -d - < FILE");
    }
    if (target == "-") return;
    const auto inside = std::filesystem::weakly_canonical(target).lexically_relative(
        std::filesystem::canonical(directory));
    if (!inside.empty() && *inside.begin() != "..") {
        throw Error(ErrorKind::refused, {.file = target},
                    fmt::format("lies in {}, which is to fill it", directory),
                    "write the image somewhere else");
    }
}

void check_streams(Tool& tool, const MkfsArguments& arguments) {
    if (arguments.target == "-" && !arguments.dry_run) begin_stdout_data(tool);
    if (arguments.request.directory == "-" && ::isatty(tool.world().input) == 1) {
        throw Error(ErrorKind::refused, {.file = "standard input"},
                    "a tar is not typed in at a terminal", "redirect a file or a pipe to it");
    }
}

void check_sizes(const MkfsArguments& arguments, bool is_device) {
    const auto refuse = [&](const char* text, const char* hint) {
        throw Error(ErrorKind::refused, {.file = arguments.target}, text, hint);
    };
    if (!arguments.size.empty() && is_device) {
        refuse("SIZE is for files: an image takes the whole of a device",
               "leave SIZE out, or give --fs-size for a smaller file system in it");
    }
    if (!arguments.size.empty() && !arguments.size_option.empty()) {
        refuse("SIZE and --fs-size say the same", "leave one of them out");
    }
    const bool sized = !arguments.size.empty() || !arguments.size_option.empty();
    if (sized && !arguments.free.empty()) {
        refuse("--free is for a file system whose SIZE is left out", "leave one of them out");
    }
}

void check_labels(const MkfsArguments& arguments) {
    const MkfsRequest& request = arguments.request;
    const std::vector<std::string> held = holds_of(request.type, request.options).xattr_prefixes;
    if (arguments.file_contexts.empty() ||
        std::find(held.begin(), held.end(), "security.") != held.end()) {
        return;
    }
    throw Error(
        ErrorKind::refused, {.file = "--selinux"},
        fmt::format("{} is made without extended attributes, so without labels", request.type),
        "take another TYPE, or leave --selinux out");
}

void add_tree_options(CLI::App& cli, MkfsArguments& arguments, CLI::Option* type,
                      CLI::Option* directory) {
    cli.add_option("--owner", arguments.owner,
                   "Owner of all entries: keep (the default), root, or UID:GID")
        ->type_name("OWNER")
        ->needs(type);
    cli.add_option("--exclude", arguments.exclusions,
                   "Leave out what this pattern fits: a name, or with a slash a path below the "
                   "top; may be repeated")
        ->type_name("GLOB")
        ->allow_extra_args(false)
        ->needs(type);
    cli.add_option("--selinux", arguments.file_contexts,
                   "Label all entries by this list of file contexts, as setfiles does")
        ->type_name("FILE_CONTEXTS")
        ->check(file_name())
        ->needs(directory);
    cli.add_flag("--strict", arguments.strict,
                 "Fail if TYPE cannot keep all of the tree, instead of a note")
        ->needs(type);
}

void add_system_options(CLI::App& cli, MkfsArguments& arguments, CLI::Option* type) {
    cli.add_option("--free", arguments.free,
                   "Free space to leave in the file system, if SIZE is left out")
        ->type_name("SIZE")
        ->needs(type);
    cli.add_option("--fs-size", arguments.size_option,
                   "Size of the file system, as SIZE; may be smaller than a device")
        ->type_name("SIZE")
        ->needs(type);
    cli.add_option("--label", arguments.request.label, "Label of the file system")
        ->type_name(label_type)
        ->needs(type);
    cli.add_option("--uuid", arguments.request.uuid,
                   "UUID of the file system (default: random, or made from the content if "
                   "SOURCE_DATE_EPOCH is set)")
        ->type_name("UUID")
        ->needs(type);
}

}  // namespace

void add_mkfs_arguments(Tool& tool, MkfsArguments& arguments, WithoutType without_type) {
    CLI::App& cli = tool.cli();
    cli.set_version_flag("-V,--version", "insitu-mkfs " INSITU_VERSION,
                         "Print the version and exit");
    auto* type =
        cli.add_option("-t,--type", arguments.request.type,
                       fmt::format("File system: {}", fmt::join(file_system_types(), ", ")))
            ->type_name("TYPE");
    if (without_type == WithoutType::is_wrong) type->required();
    auto* directory =
        cli.add_option("-d,--directory", arguments.request.directory,
                       "Fill it with this directory, or - for a tar from standard input")
            ->type_name("DIR")
            ->needs(type);
    cli.add_option("TARGET", arguments.target, "File or block device, or - for standard output")
        ->required();
    cli.add_option("SIZE", arguments.size, "Size of the file system (default: what it needs)");
    add_tree_options(cli, arguments, type, directory);
    add_system_options(cli, arguments, type);
    add_codec_options(cli, arguments.pack.codec);
    add_extent_option(cli, arguments.pack.extents);
    add_seals_option(cli, arguments.pack.seals);
    add_identity_options(cli, arguments.identity, "one that follows from what it holds");
    cli.add_flag("--verify", arguments.verify,
                 "Compare the contents of files as well, and read the image back from the medium");
    cli.add_flag("--dry-run", arguments.dry_run, "Print the size of the file system, write nothing")
        ->needs(type);
    cli.add_flag("--force", arguments.force, "Overwrite what a device holds");
    tool.add_json_option();
    tool.add_progress_option();
    cli.footer(
        "What follows -- is given to mkfs.TYPE as it is. Called as mkfs.insitu, without\n"
        "a TYPE, it makes an empty image like insitu-format.\n"
        "insitu-mkfs(8) has more, with examples and a table of what each TYPE keeps.");
}

void complete_request(Tool& tool, MkfsArguments& arguments,
                      std::optional<std::uint64_t> device_bytes) {
    MkfsRequest& request = arguments.request;
    arguments.pack.uuid = arguments.identity.parsed_uuid();
    arguments.pack.label = arguments.identity.checked_label();
    check_sizes(arguments, device_bytes.has_value());
    if (!arguments.size.empty()) request.size_bytes = parse_size(arguments.size, "SIZE");
    if (!arguments.free.empty()) request.free_bytes = parse_size(arguments.free, "--free");
    if (device_bytes) {
        request.size_bytes = Geometry(counts_for_device(*device_bytes)).logical_bytes();
    }
    if (!arguments.size_option.empty()) {
        const std::uint64_t wanted = parse_size(arguments.size_option, "--fs-size");
        if (device_bytes && wanted > *request.size_bytes) {
            throw Error(ErrorKind::refused, {.file = arguments.target},
                        fmt::format("--fs-size is {} bytes, the image has room for {}", wanted,
                                    *request.size_bytes),
                        "a smaller --fs-size, or none");
        }
        request.size_bytes = wanted;
    }
    request.epoch = epoch_of(tool.world());
    request.threads = tool.common().threads;
    request.sizes_only = arguments.dry_run;
    check_request(request);
    check_labels(arguments);
    check_streams(tool, arguments);
    if (!request.directory.empty() && request.directory != "-") {
        check_directory(request.directory, arguments.target);
    }
}

}  // namespace insitu::apps
