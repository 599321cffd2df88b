// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach/detach_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "attach/connection.hpp"
#include "attach/control_client.hpp"
#include "attach/host.hpp"
#include "common/printable.hpp"

namespace insitu::apps {

namespace {

bool is_image(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode));
}

bool is_named(const ImageFolder& folder, const AttachState& state, const std::string& name) {
    if (state.image == name) return true;
    const auto devices = devices_of(folder, state);
    const auto is_device = [&](const std::string& device) { return is_part_of(name, device); };
    if (std::any_of(devices.begin(), devices.end(), is_device)) return true;
    const auto points = mount_points_of(devices);
    return std::find(points.begin(), points.end(), name) != points.end();
}

// The folder of what the user calls by that name.
std::optional<ImageFolder> find_folder(const RunDirectory& run, const std::string& name) {
    const std::string real = real_name(name);
    // It may be mounted elsewhere by now, and another one there.
    std::optional<ImageFolder> once_mounted_there;
    for (const ImageFolder& folder : run.folders()) {
        const auto state = folder.load();
        if (!state) continue;
        if (is_named(folder, *state, real)) return folder;
        if (state->mountpoint == real) once_mounted_there = folder;
    }
    if (once_mounted_there && !is_mount_point(real)) return once_mounted_there;
    if (!is_image(name)) return std::nullopt;
    const ImageFolder folder = run.folder_of(name);
    if (folder.exists()) return folder;
    return std::nullopt;
}

// What file systems have in memory. One that cannot write it gives it up, and says so once.
void write_back(const std::vector<std::string>& points) {
    for (const std::string& point : points) {
        const UniqueFd top(::open(point.c_str(), O_RDONLY | O_CLOEXEC));
        if (!top || ::syncfs(top.get()) == 0) continue;
        const int code = errno;
        throw Error(ErrorKind::io, {.file = point},
                    "the file system cannot write what it has in memory: " +
                        std::generic_category().message(code),
                    "it stays mounted: make room under the image, and see which of the files that "
                    "were written last are missing; insitu-detach --force unmounts it",
                    code);
    }
}

void unmount_all(const std::vector<std::string>& devices) {
    for (const std::string& point : mount_points_of(devices)) {
        const CommandResult result = unmount(point);
        if (result.done()) continue;
        throw Error(
            ErrorKind::refused, {.file = point},
            "cannot unmount: " + printable(result.output.substr(0, result.output.find('\n'))),
            "fuser -vm names who uses it");
    }
    for (const std::string& device : devices) {
        if (!is_held(device)) continue;
        throw Error(ErrorKind::refused, {.file = device}, "is in use", "lsblk shows what is on it");
    }
}

// What the host has in memory goes to the server, and from there to the image.
void flush(const Tool& tool, const ImageFolder& folder, const AttachState& state) {
    for (const std::string& name : devices_of(folder, state)) {
        const UniqueFd device(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
        if (device && ::fsync(device.get()) != 0) {
            throw io_error({.file = name}, "cannot write what waits in memory", errno);
        }
    }
    const std::string answer = ControlClient(folder.control(), "flush", tool.stop()).line();
    if (answer == "done") return;
    throw Error(ErrorKind::refused, {.file = state.image},
                answer.empty()
                    ? "the server ended during its last commit"
                    : "the last commit failed: " + printable(answer.substr(answer.find(' ') + 1)));
}

// Returns what the server said last; empty: it was killed.
std::string end_server(const Tool& tool, const ImageFolder& folder, const AttachState& state) {
    ControlClient last_word(folder.control(), "wait", tool.stop());
    if (last_word.line() != "waiting") return {};
    send_signal(state.server, SIGTERM);
    std::string word = last_word.line();
    constexpr std::chrono::seconds patience{10};
    wait_for_end(state.server, patience);
    return word;
}

int clean_up(Tool& tool, const ImageFolder& folder, const std::string& image) {
    dismantle(folder);
    tool.complain(printable(image) +
                  ": its server was gone; what was flushed is in the image, what was written after "
                  "that is lost");
    if (folder.exists()) {
        throw Error(ErrorKind::refused, {.file = folder.path()}, "is still in use");
    }
    return exit_failed;
}

int detach(Tool& tool, const ImageFolder& folder, bool force) {
    const auto state = folder.load();
    if (!state || !is_running(state->server)) {
        return clean_up(tool, folder, state ? state->image : folder.path());
    }
    const bool is_cut_off = state->through != Through::nbd && !is_running(state->fuse);
    if (is_cut_off) {
        tool.complain(printable(state->image) +
                      ": its nbdfuse was gone; what was written and not flushed is lost");
        force = true;
    }
    if (!force) write_back(mount_points_of(devices_of(folder, *state)));
    unmount_all(devices_of(folder, *state));
    try {
        flush(tool, folder, *state);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled) throw;
        if (force) {
            tool.complain(error.what());
        } else {
            throw Error(
                error.kind(), {}, error.what(),
                "the image is still served: make room and detach again, or --force gives up "
                "what is not written",
                error.os_error());
        }
    }
    disconnect_device(folder, *state);
    const std::string word = end_server(tool, folder, *state);
    folder.remove();
    if (word == "closed") return is_cut_off ? exit_failed : exit_done;
    tool.complain(fmt::format(
        "{}: {}", printable(state->image),
        word.empty() ? "the server ended without a word"
                     : "the last commit failed: " + printable(word.substr(word.find(' ') + 1))));
    return exit_failed;
}

}  // namespace

int detach_image(Tool& tool, const DetachArguments& arguments) {
    require_views_of_the_kernel();
    const RunDirectory run(tool.world(), RunDirectory::Missing::accept);
    auto folder = find_folder(run, arguments.name);
    UniqueFd lock;
    if (folder) {
        lock = run.lock(*folder);
        // Another one may have detached it meanwhile.
        if (!folder->exists()) folder.reset();
    }
    if (folder) return detach(tool, *folder, arguments.force);
    if (arguments.accept_missing) return exit_done;
    throw Error(ErrorKind::refused, {.file = arguments.name}, "is not attached",
                "insitu-attach --list shows what is");
}

int unmount_directory(Tool& tool, const std::string& directory, bool lazy) {
    const std::string point = real_name(directory);
    const RunDirectory run(tool.world(), RunDirectory::Missing::accept);
    const auto folder = find_folder(run, point);
    const UniqueFd lock = folder ? run.lock(*folder) : UniqueFd();
    const auto state = folder ? folder->load() : std::nullopt;
    if (state && !lazy && is_running(state->server)) write_back({point});
    const CommandResult result = lazy ? unmount(point, {"-l"}) : unmount(point);
    if (!result.done()) {
        tool.complain(printable(result.output.substr(0, result.output.find('\n'))));
        return result.status;
    }
    // Others of its file systems need the server, and so does one that is unmounted lazily.
    if (!state || state->mountpoint != point || lazy ||
        !mount_points_of(devices_of(*folder, *state)).empty()) {
        return exit_done;
    }
    return detach(tool, *folder, false);
}

}  // namespace insitu::apps
