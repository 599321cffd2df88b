// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/pack_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "common/sector_warning.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/store/nbd_store.hpp"
#include "insitu/open_store.hpp"
#include "pack/container.hpp"

namespace insitu::apps {

namespace {

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

// A virtual disk by the server of its format.
PackInput open_virtual_disk(const Tool& tool, const std::string& path, const std::string& format) {
    PackInput input;
    input.disk = std::make_unique<VirtualDisk>(tool, path, format);
    input.store = open_nbd(input.disk->uri(), Access::read);
    const Store& store = *input.store;
    warn_of_small_sectors(
        tool, path, store.size_bytes(),
        [&](std::uint64_t at_byte, ByteSpan output) { store.read_at(at_byte, output); });
    input.source = make_source(store);
    return input;
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

PackInput open_stream(const Tool& tool, const std::string& path, const PackInputOptions& options) {
    constexpr std::size_t start_bytes = std::size_t{64} << 10;
    PackInput input;
    const std::string name = path == "-" ? "standard input" : path;
    input.stream = open_stream_fd(tool.world().input, path, name);
    const int fd = input.stream.get();
    auto start = read_stream_start(fd, name, start_bytes, tool.stop());
    if (start.empty() && !options.allow_empty) {
        throw Error(ErrorKind::refused, {.file = name}, "the stream is empty",
                    "did the program that writes it fail? --allow-empty packs it all the same");
    }
    refuse_if_container(options, name,
                        ByteView(start).first(std::min(container_head_bytes, start.size())), {});
    const std::uint64_t known_bytes = options.limit_bytes.value_or(start.size());
    warn_of_small_sectors(tool, name, known_bytes, [&](std::uint64_t at_byte, ByteSpan output) {
        std::fill(output.begin(), output.end(), std::byte{0});
        const std::size_t length = std::min(output.size(), start.size() - at_byte);
        std::copy_n(start.begin() + static_cast<std::ptrdiff_t>(at_byte), length, output.begin());
    });
    if (options.limit_bytes) {
        input.source =
            make_stream_source(fd, name, *options.limit_bytes, tool.stop(), std::move(start));
        return input;
    }
    // Where the data starts follows from the size, so a stream of unknown size is stored first.
    input.store = spool_stream(fd, name, options.spool_directory, tool.stop(), start);
    input.source = make_source(*input.store);
    return input;
}

}  // namespace

bool is_stream(const std::string& path) {
    return path == "-" || node_kind(path) == NodeKind::stream;
}

PackInput open_pack_input(const Tool& tool, const std::string& path,
                          const PackInputOptions& options) {
    if (is_stream(path) && !options.from.empty()) {
        throw Error(ErrorKind::refused, {.file = path},
                    "--from reads files: a virtual disk is not read in order", "store it first");
    }
    if (is_stream(path)) return open_stream(tool, path, options);
    if (node_kind(path) == NodeKind::directory) {
        throw Error(ErrorKind::refused, {.file = path},
                    "is a directory, a file or block device is expected",
                    "insitu-mkfs makes an image that holds what is in a directory");
    }
    std::optional<std::string> format;
    if (options.from == "auto") format = find_virtual_disk_format(path);
    if (!options.from.empty() && options.from != "auto") format = options.from;
    if (format) return open_virtual_disk(tool, path, *format);
    PackInput input;
    input.store = open_store(path, Access::read, tool.sharing());
    refuse_if_container(options, *input.store);
    warn_of_small_sectors(
        tool, path, input.store->size_bytes(),
        [&](std::uint64_t at_byte, ByteSpan output) { input.store->read_at(at_byte, output); });
    input.source =
        make_source(*input.store,
                    tool.sharing() == Sharing::shared ? SourceSize::may_change : SourceSize::fixed);
    return input;
}

}  // namespace insitu::apps
