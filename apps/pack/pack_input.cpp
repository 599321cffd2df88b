// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/pack_input.hpp"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "common/sector_warning.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/store/nbd_store.hpp"
#include "insitu/open_store.hpp"
#include "pack/container.hpp"
#include "pack/large_sectors.hpp"
#include "pack/sparse_image.hpp"

namespace insitu::apps {

namespace {

constexpr const char* sparse_image_format = "simg";
constexpr const char* sparse_image_container = "Android sparse image";

// /dev/zero, full, random and urandom: to store them first would never end.
void refuse_endless(int fd, const std::string& name) {
    constexpr unsigned memory_devices = 1;
    constexpr std::array endless_minors{5U, 7U, 8U, 9U};
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISCHR(status.st_mode)) return;
    if (major(status.st_rdev) != memory_devices ||
        std::find(endless_minors.begin(), endless_minors.end(), minor(status.st_rdev)) ==
            endless_minors.end()) {
        return;
    }
    throw Error(ErrorKind::refused, {.file = name}, "is endless",
                "head -c SIZE takes a part of it");
}

void refuse_if_container(const PackInputOptions& options, const std::string& name, ByteView head,
                         ByteView tail) {
    if (options.raw) return;
    if (const auto container = find_container(head, tail)) refuse_container(*container, name);
}

void refuse_if_container(const PackInputOptions& options, const Store& store) {
    if (options.raw) return;
    if (const auto container = find_container_in(store)) refuse_container(*container, store.name());
}

UniqueFd open_stream_fd(int input, const std::string& path, const std::string& name) {
    if (path == "-" && ::isatty(input) == 1) {
        throw Error(ErrorKind::refused, {.file = name}, "an image is not typed in at a terminal",
                    "redirect a file or a pipe to it");
    }
    UniqueFd fd(path == "-" ? ::dup(input) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw io_error({.file = name}, "cannot open", errno);
    refuse_endless(fd.get(), name);
    return fd;
}

// What is inside of something compressed must be raw, too.
void refuse_inner_container(const std::string& name, ByteView head) {
    const auto container = find_container(head, {});
    if (!container) return;
    throw Error(ErrorKind::refused, {.file = name},
                fmt::format("holds no raw image but this, compressed: {}", container->name),
                "decompress it first; --from auto reads virtual disks and sparse images");
}

// Content that can be read at any position.
PackInput with_source(const Tool& tool, const std::string& path, const PackInputOptions& options,
                      PackInput input) {
    if (options.large_sectors) {
        input.small_sectors = std::move(input.store);
        input.store = with_large_sectors(tool, *input.small_sectors, options.spool_directory);
    }
    const Store& store = *input.store;
    warn_of_small_sectors(
        tool, path, store.size_bytes(),
        [&](std::uint64_t at_byte, ByteSpan output) { store.read_at(at_byte, output); });
    input.source = make_source(
        store, tool.sharing() == Sharing::shared ? SourceSize::may_change : SourceSize::fixed);
    return input;
}

// The content that a stream brings, the one that is given or what a decoder makes of it.
PackInput take_stream(const Tool& tool, PackInput input, const std::string& name,
                      const PackInputOptions& options, std::optional<std::uint64_t> claimed_bytes) {
    constexpr std::size_t start_bytes = std::size_t{64} << 10;
    Decoder* const decoder = input.decoder.get();
    const int fd = decoder != nullptr ? decoder->output() : input.stream.get();
    auto start = read_stream_start(fd, name, start_bytes, tool.stop());
    if (start.empty() && decoder != nullptr) decoder->require_success(tool.stop());
    if (start.empty() && !options.allow_empty) {
        throw Error(ErrorKind::refused, {.file = name}, "the stream is empty",
                    "did the program that writes it fail? --allow-empty packs it all the same");
    }
    const ByteView head = ByteView(start).first(std::min(container_head_bytes, start.size()));
    if (decoder != nullptr) {
        refuse_inner_container(name, head);
    } else {
        refuse_if_container(options, name, head, {});
    }
    const auto known_bytes = claimed_bytes ? claimed_bytes : options.limit_bytes;
    if (!known_bytes || options.large_sectors) {
        // Where the data starts follows from the size, so a stream of unknown size is stored first,
        // as is a disk: its table is at both ends.
        input.store = spool_stream(fd, name, options.spool_directory, tool.stop(), start);
        if (decoder != nullptr) decoder->require_success(tool.stop());
        if (claimed_bytes) require_claimed(name, *claimed_bytes, input.store->size_bytes());
        return with_source(tool, name, options, std::move(input));
    }
    warn_of_small_sectors(tool, name, *known_bytes, [&](std::uint64_t at_byte, ByteSpan output) {
        std::fill(output.begin(), output.end(), std::byte{0});
        if (at_byte >= start.size()) return;
        const ByteView rest = ByteView(start).subspan(at_byte);
        const ByteView known = rest.first(std::min(output.size(), rest.size()));
        std::copy(known.begin(), known.end(), output.begin());
    });
    input.source = decoder != nullptr
                       ? make_decoded_source(*decoder, name, claimed_bytes, *known_bytes,
                                             tool.stop(), std::move(start))
                       : make_stream_source(fd, name, *known_bytes, tool.stop(), std::move(start));
    return input;
}

PackInput open_stream(const Tool& tool, const std::string& path, const PackInputOptions& options) {
    const auto& decoders = decoder_formats();
    const bool is_decoded =
        std::find(decoders.begin(), decoders.end(), options.from) != decoders.end();
    if (!options.from.empty() && !is_decoded) {
        throw Error(ErrorKind::refused, {.file = path},
                    fmt::format("--from {} reads files, no streams", options.from),
                    fmt::format("store it first; of a stream, the format has to be named: {}",
                                fmt::join(decoders, ", ")));
    }
    PackInput input;
    const std::string name = path == "-" ? "standard input" : path;
    input.stream = open_stream_fd(tool.world().input, path, name);
    if (is_decoded) {
        input.decoder = std::make_unique<Decoder>(name, options.from, input.stream.get());
    }
    return take_stream(tool, std::move(input), name, options, std::nullopt);
}

// A compressed file. It stays open and locked while its decoder reads it.
PackInput open_compressed(const Tool& tool, const std::string& path, const std::string& format,
                          const PackInputOptions& options) {
    PackInput input;
    input.container = open_store(path, Access::read, tool.sharing());
    const auto container = find_container_in(*input.container);
    const auto found = container ? decoder_format_of(container->name) : std::nullopt;
    if (found && *found != format) {
        throw Error(ErrorKind::refused, {.file = path},
                    fmt::format("is {}, not {}", *found, format), "--from auto goes by its magic");
    }
    input.stream = open_stream_fd(tool.world().input, path, path);
    input.decoder = std::make_unique<Decoder>(path, format, input.stream.get());
    const auto claimed_bytes = decoded_bytes(*input.container, format, tool.stop());
    return take_stream(tool, std::move(input), path, options, claimed_bytes);
}

// A virtual disk by the server of its format.
PackInput open_virtual_disk(const Tool& tool, const std::string& path, const std::string& format,
                            const PackInputOptions& options) {
    PackInput input;
    input.disk = std::make_unique<VirtualDisk>(tool, path, format);
    input.store = open_nbd(input.disk->uri(), Access::read, path);
    return with_source(tool, path, options, std::move(input));
}

PackInput open_sparse_image(const Tool& tool, const std::string& path,
                            const PackInputOptions& options) {
    PackInput input;
    input.container = open_store(path, Access::read, tool.sharing());
    input.store = std::make_unique<SparseImage>(*input.container, tool.stop());
    return with_source(tool, path, options, std::move(input));
}

// The format of a file by its magic; none: raw, or one that is not read.
std::optional<std::string> find_format(const std::string& path) {
    const OwnedStore store = open_store(path, Access::read, Sharing::shared);
    const auto container = find_container_in(*store);
    if (!container) return std::nullopt;
    if (container->name == sparse_image_container) return sparse_image_format;
    if (auto format = decoder_format_of(container->name)) return format;
    return virtual_disk_format_of(container->name);
}

// A download that was cut off in its first bytes has no magic any more: it is not a raw disk.
void refuse_wrong_name(const std::string& path) {
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos) return;
    const std::string ending = path.substr(dot + 1);
    const auto formats = input_formats();
    if (std::none_of(formats.begin(), formats.end(), [&](const std::string& format) {
            return ::strcasecmp(format.c_str(), ending.c_str()) == 0;
        })) {
        return;
    }
    throw Error(ErrorKind::refused, {.file = path},
                fmt::format("its name ends in .{}, but it does not begin as such a file", ending),
                "it may be cut off; without --from its bytes are packed as they are");
}

}  // namespace

bool is_stream(const std::string& path) {
    return path == "-" || node_kind(path) == NodeKind::stream;
}

std::vector<std::string> input_formats() {
    std::vector<std::string> formats = virtual_disk_formats();
    formats.insert(formats.end(), decoder_formats().begin(), decoder_formats().end());
    formats.emplace_back(sparse_image_format);
    return formats;
}

PackInput open_pack_input(const Tool& tool, const std::string& path,
                          const PackInputOptions& options) {
    if (is_stream(path)) return open_stream(tool, path, options);
    if (node_kind(path) == NodeKind::directory) {
        throw Error(ErrorKind::refused, {.file = path},
                    "is a directory, a file or block device is expected",
                    "insitu-mkfs makes an image that holds what is in a directory");
    }
    std::string format = options.from;
    if (format == "auto") {
        format = find_format(path).value_or("");
        if (format.empty()) refuse_wrong_name(path);
    }
    const auto& decoders = decoder_formats();
    if (format == sparse_image_format) return open_sparse_image(tool, path, options);
    if (std::find(decoders.begin(), decoders.end(), format) != decoders.end()) {
        return open_compressed(tool, path, format, options);
    }
    if (!format.empty()) return open_virtual_disk(tool, path, format, options);
    PackInput input;
    input.store = open_store(path, Access::read, tool.sharing());
    refuse_if_container(options, *input.store);
    return with_source(tool, path, options, std::move(input));
}

}  // namespace insitu::apps
