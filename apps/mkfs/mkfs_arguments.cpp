#include "mkfs/mkfs_arguments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "common/codec_options.hpp"
#include "common/sizes.hpp"
#include "insitu/error.hpp"
#include "insitu/store/open.hpp"

namespace insitu::apps {

namespace {

// SOURCE_DATE_EPOCH, or nothing.
std::string epoch_of_environment() {
    const char* const text = std::getenv("SOURCE_DATE_EPOCH");
    const std::string epoch = text == nullptr ? "" : text;
    if (std::all_of(epoch.begin(), epoch.end(),
                    [](unsigned char letter) { return std::isdigit(letter) != 0; })) {
        return epoch;
    }
    throw Error(ErrorKind::refused, {.file = "SOURCE_DATE_EPOCH"},
                fmt::format("is '{}', expected seconds since 1970", epoch),
                "SOURCE_DATE_EPOCH=$(date +%s), or unset it");
}

void check_directory(const std::string& directory, const std::string& target) {
    if (node_kind(directory) != NodeKind::directory) {
        throw Error(ErrorKind::refused, {.file = directory}, "is no directory",
                    "a tar is read from standard input: -d - < FILE");
    }
    const auto inside = std::filesystem::weakly_canonical(target).lexically_relative(
        std::filesystem::canonical(directory));
    if (!inside.empty() && *inside.begin() != "..") {
        throw Error(ErrorKind::refused, {.file = target},
                    fmt::format("lies in {}, which is to fill it", directory),
                    "write the image somewhere else");
    }
}

}  // namespace

void add_mkfs_arguments(Tool& tool, MkfsArguments& arguments, WithoutType without_type) {
    CLI::App& cli = tool.cli();
    auto* type =
        cli.add_option("-t,--type", arguments.request.type,
                       fmt::format("File system: {}", fmt::join(file_system_types(), ", ")))
            ->type_name("TYPE");
    if (without_type == WithoutType::is_wrong) type->required();
    cli.add_option("-d,--directory", arguments.request.directory,
                   "Fill it with this directory, or - for a tar from standard input")
        ->type_name("DIR")
        ->needs(type);
    cli.add_option("TARGET", arguments.target, "File or block device")->required();
    cli.add_option("SIZE", arguments.size, "Size of the file system (default: what it needs)");
    cli.add_option("--free", arguments.free, "Room beside the smallest size that fits")
        ->type_name("SIZE")
        ->needs(type);
    cli.add_option("--uuid", arguments.request.uuid,
                   "UUID of the file system (default: random, or made from the content where "
                   "SOURCE_DATE_EPOCH is set)")
        ->type_name("UUID")
        ->needs(type);
    add_codec_options(cli, arguments.pack.codec);
    add_extent_option(cli, arguments.pack.extents);
    cli.add_flag("--verify", arguments.verify, "Read back from the medium, decode and compare");
    cli.add_flag("--force", arguments.force, "Overwrite what a device holds");
    tool.add_json_option();
    tool.add_progress_option();
    cli.footer(
        "What stands behind -- is given to mkfs.TYPE as it is. Called as mkfs.insitu, without\n"
        "a TYPE, it makes an empty image like insitu-format.\n"
        "insitu-mkfs(8) tells more, with examples.");
}

void complete_request(const Tool& tool, MkfsArguments& arguments,
                      std::optional<std::uint64_t> device_bytes) {
    MkfsRequest& request = arguments.request;
    if (!arguments.size.empty()) request.size_bytes = parse_size(arguments.size, "SIZE");
    if (!arguments.free.empty()) request.free_bytes = parse_size(arguments.free, "--free");
    if (!arguments.size.empty() && device_bytes) {
        throw Error(ErrorKind::refused, {.file = arguments.target},
                    "SIZE is for files: an image takes the whole of a device",
                    "leave SIZE out, or make a partition of that size");
    }
    if (!arguments.size.empty() && !arguments.free.empty()) {
        throw Error(ErrorKind::refused, {.file = arguments.target},
                    "--free is for a file system whose SIZE is left out", "leave one of them out");
    }
    if (device_bytes) {
        request.size_bytes = Geometry(counts_for_device(*device_bytes)).logical_bytes();
    }
    request.epoch = epoch_of_environment();
    request.threads = tool.common().threads;
    check_request(request);
    if (!request.directory.empty() && request.directory != "-") {
        check_directory(request.directory, arguments.target);
    }
}

}  // namespace insitu::apps
