// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/builder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

namespace {

// Whether the directory has no room left to speak of: then that is why a program failed there.
bool is_full(const std::string& directory) {
    struct statvfs status {};
    if (::statvfs(directory.c_str(), &status) != 0 || status.f_blocks == 0) return false;
    constexpr std::uint64_t least_bytes = mib;
    return status.f_bavail * status.f_frsize < least_bytes;
}

// Lines that programs print each time.
bool is_banner(const std::string& line) {
    static constexpr std::array<std::string_view, 8> banners{"mkfs.fat 4",
                                                             "mkfs.erofs ",
                                                             "btrfs-progs v",
                                                             "NOTE: several default settings have",
                                                             "this does not affect your deploy",
                                                             "- DUP for metadata",
                                                             "- enabled no-holes",
                                                             "- enabled free-space-tree"};
    return std::any_of(banners.begin(), banners.end(),
                       [&](std::string_view banner) { return line.starts_with(banner); });
}

// What a program said, without its usage and empty lines, on a few lines.
std::vector<std::string> said_lines(const std::string& output) {
    constexpr std::size_t most = 12;
    std::vector<std::string> lines;
    std::istringstream said(output);
    for (std::string line; std::getline(said, line);) {
        if (line.starts_with("Usage:") || line.starts_with("usage:") ||
            line.starts_with("SYNTAX:")) {
            break;
        }
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first == std::string::npos || is_banner(line.substr(first))) continue;
        if (lines.size() == most) {
            lines.emplace_back("(more of it with -v)");
            break;
        }
        lines.push_back(printable(line.substr(first)));
    }
    return lines;
}

// mkfs.btrfs looks at each loop device that is mounted, whatever file it is to fill.
constexpr auto unreadable_loop_device =
    "a loop device is mounted that this user may not read, and mkfs.btrfs looks at all of them: "
    "umount it (losetup lists them), or make the image as root";

}  // namespace

Builder::Builder(const MkfsRequest& request, const Tree& tree, const Scratch& scratch,
                 const StopFlag* stop)
    : request_(request),
      tree_(tree),
      scratch_(scratch),
      stop_(stop),
      file_(scratch.file("file-system")) {}

CommandResult Builder::run(const Command& command) {
    program_ = command.arguments.front();
    if (request_.note) {
        request_.note(printable(fmt::format("{}", fmt::join(command.arguments, " "))));
    }
    CommandResult result = run_command(command, stop_);
    if (request_.note) {
        if (!result.output.empty()) request_.note(result.output);
    } else if (result.done() && request_.warn) {
        for (const std::string& line : said_lines(result.output))
            request_.warn(fmt::format("{}: {}", program_, line));
    }
    return result;
}

void Builder::refuse(const CommandResult& result) const {
    const std::vector<std::string> lines = said_lines(result.output);
    const std::string reason = lines.empty() ? fmt::format("ended with status {}", result.status)
                                             : fmt::format("{}", fmt::join(lines, "; "));
    // Those that write a file as long as it gets never run out of anything but the host's disk, and
    // remove it before anybody can look.
    const bool writes_freely = program_ == "mksquashfs" || program_ == "mkfs.erofs";
    if (is_full(scratch_.directory()) || (writes_freely && lacks_space(result))) {
        throw Error(ErrorKind::io, {.file = scratch_.directory()},
                    fmt::format("{} found no space left on the host's disk: {}", program_, reason),
                    "free some there, or write the image to another disk", ENOSPC);
    }
    const bool cannot_look = result.output.find("cannot check mount status") != std::string::npos;
    throw Error(ErrorKind::refused, {.file = program_}, reason,
                lacks_space(result) ? more_room
                : cannot_look       ? unreadable_loop_device
                                    : "");
}

void Builder::run_or_refuse(const Command& command) {
    const CommandResult result = run(command);
    if (!result.done()) refuse(result);
}

bool Builder::lacks_space(const CommandResult& result) const {
    constexpr std::array<std::string_view, 11> signs{
        "No space left", "not allocate",       "too small",          "Disk full",
        "not enough",    "reserving space",    "Not enough space",   "Disk is full",
        "out of space",  "failed to set attr", "must be larger than"};
    return std::any_of(signs.begin(), signs.end(), [&](std::string_view sign) {
        return result.output.find(sign) != std::string::npos;
    });
}

void Builder::make_sparse(std::uint64_t size_bytes) const {
    constexpr mode_t private_mode = 0600;
    const UniqueFd fd(::open(file_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, private_mode));
    if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0) {
        throw io_error({.file = file_}, "cannot create", errno);
    }
}

void Builder::settle_size() const {
    if (!request_.size_bytes) return;
    const std::uint64_t made_bytes = std::filesystem::file_size(file_);
    if (made_bytes > *request_.size_bytes) {
        throw Error(ErrorKind::refused, {.file = program_},
                    fmt::format("the file system has {} bytes, there is room for {}", made_bytes,
                                *request_.size_bytes),
                    more_room);
    }
    std::filesystem::resize_file(file_, *request_.size_bytes);
}

void append(Arguments& list, const Arguments& more) {
    list.insert(list.end(), more.begin(), more.end());
}

}  // namespace insitu::apps
