// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach/attach_run.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cerrno>

#include "attach/connection.hpp"
#include "attach/control_client.hpp"
#include "attach/host.hpp"
#include "common/printable.hpp"

namespace insitu::apps {

namespace {

void mount_device(Tool& tool, const AttachArguments& arguments, const std::string& device) {
    Command command{{"mount"}};
    if (!arguments.file_system.empty()) {
        command.arguments.insert(command.arguments.end(), {"-t", arguments.file_system});
    }
    // umount(8) calls umount.insitu for what has this mark.
    std::string options = "helper=insitu";
    if (arguments.read_only) options += ",ro";
    for (const std::string& option : arguments.mount_options)
        options += "," + option;
    command.arguments.insert(command.arguments.end(),
                             {"-o", options, device, arguments.mountpoint});
    try {
        (void)run_or_throw(command, arguments.image, tool.stop());
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::refused || !arguments.read_only) throw;
        throw Error(ErrorKind::refused, {}, error.what(),
                    "a file system that was not unmounted needs its journal replayed, for which "
                    "nothing may be written here: -o noload (ext4), -o norecovery (xfs)");
    }
}

// What can be known before anything is started.
AttachArguments checked(const AttachArguments& given) {
    AttachArguments arguments = given;
    if (arguments.mountpoint.empty()) return arguments;
    if (::geteuid() != 0) {
        throw Error(ErrorKind::refused, {.file = arguments.mountpoint}, "mounting there needs root",
                    "without a mount point the image becomes a file, which for example "
                    "fuse2fs -o ro or squashfuse mount");
    }
    struct stat info {};
    if (::stat(arguments.mountpoint.c_str(), &info) != 0) {
        throw io_error({.file = arguments.mountpoint}, "cannot mount there", errno);
    }
    if (!S_ISDIR(info.st_mode)) {
        throw io_error({.file = arguments.mountpoint}, "cannot mount there", ENOTDIR);
    }
    arguments.mountpoint = real_name(arguments.mountpoint);
    return arguments;
}

void refuse_busy_mount_point(const AttachArguments& arguments) {
    if (arguments.mountpoint.empty() || !is_mount_point(arguments.mountpoint)) return;
    throw Error(ErrorKind::refused, {.file = arguments.mountpoint},
                "something is mounted there already", "umount it, or name another directory");
}

// Whether there is nothing to do any more.
bool is_attached(Tool& tool, const ImageFolder& folder, const AttachArguments& arguments,
                 Attached attached) {
    if (!folder.exists()) return false;
    const auto state = folder.load();
    if (state && is_running(state->server) && server_of(folder) == state->server) {
        if (attached == Attached::accept_same_mount && !arguments.mountpoint.empty() &&
            state->mountpoint == arguments.mountpoint && is_mount_point(state->mountpoint)) {
            return true;
        }
        throw Error(ErrorKind::refused, {.file = arguments.image},
                    "is attached already as " + printable(state->device),
                    "insitu-detach ends that, insitu-attach --list shows all");
    }
    dismantle(folder);
    if (folder.exists()) {
        throw Error(ErrorKind::refused, {.file = folder.path()},
                    "what a server that is gone left is still in use",
                    "umount what is in it, and attach again");
    }
    tool.note(printable(arguments.image) + ": cleaned up after a server that is gone");
    return false;
}

// The server opens an image for reading if it may not write to it; its clients are to know.
bool is_served_read_only(const Tool& tool, const ImageFolder& folder) {
    constexpr std::chrono::seconds patience{20};
    const std::string status =
        ControlClient(folder.control(), "status", tool.stop(), patience).rest();
    return status.find("\nread_only 1\n") != std::string::npos;
}

// mount(8) says nothing of what it has done, unless it is asked.
void print_mounted(Tool& tool, const AttachState& state, const std::string& device) {
    if (!tool.common().verbose) return;
    tool.print_report(
        fmt::format("{} mounted on {} as {}\n", state.image, state.mountpoint, device));
}

void print_attached(Tool& tool, const AttachState& state, const std::string& device) {
    if (tool.common().json) {
        Json document;
        document["image"] = state.image;
        document["device"] = state.device;
        document["used_device"] = device;
        document["mountpoint"] = state.mountpoint.empty() ? Json(nullptr) : Json(state.mountpoint);
        document["through"] = name_of(state.through);
        document["read_only"] = state.read_only;
        document["server_pid"] = state.server.pid;
        return tool.print_json(document);
    }
    if (!tool.common().quiet) tool.print(device + "\n");
}

}  // namespace

int attach_image(Tool& tool, const AttachArguments& given, Attached attached) {
    require_views_of_the_kernel();
    AttachArguments arguments = checked(given);
    const RunDirectory run(tool.world(), RunDirectory::Missing::create);
    const ImageFolder folder = run.folder_of(arguments.image);
    const UniqueFd lock = run.lock(folder);
    if (is_attached(tool, folder, arguments, attached)) return exit_done;
    refuse_busy_mount_point(arguments);
    AttachState state;
    state.image = real_name(arguments.image);
    try {
        folder.create();
        state.server = start_server(arguments, folder, tool.stop());
        state.read_only = is_served_read_only(tool, folder);
        if (state.read_only && !arguments.asks_for_reading()) {
            tool.note(arguments.image + ": may not be written: attached read-only");
        }
        arguments.read_only = state.read_only;
        folder.save(state);
        connect_device(arguments, folder, state, tool.stop());
        const std::string device = arguments.partition == 0
                                       ? state.device
                                       : partition_device(arguments, folder, state, tool.stop());
        if (!arguments.mountpoint.empty()) {
            mount_device(tool, arguments, device);
            state.mountpoint = arguments.mountpoint;
            folder.save(state);
        }
        if (attached == Attached::accept_same_mount) {
            print_mounted(tool, state, device);
        } else {
            print_attached(tool, state, device);
        }
        tool.flush();
    } catch (...) {
        dismantle(folder);
        throw;
    }
    return exit_done;
}

int list_attached(Tool& tool) {
    require_views_of_the_kernel();
    const RunDirectory run(tool.world(), RunDirectory::Missing::accept);
    Json list = Json::array();
    std::string text;
    for (const ImageFolder& folder : run.folders()) {
        const auto state = folder.load();
        if (!state) continue;
        const bool is_served = is_running(state->server);
        std::string mounted;
        Json points = Json::array();
        for (const std::string& point : mount_points_of(devices_of(folder, *state))) {
            points.push_back(point);
            mounted += " " + printable(point);
        }
        list.push_back({{"image", state->image},
                        {"device", state->device},
                        {"mountpoints", points},
                        {"through", name_of(state->through)},
                        {"read_only", state->read_only},
                        {"server_pid", state->server.pid},
                        {"serving", is_served}});
        text += fmt::format("{}  {}  {}{}{}\n", printable(state->device), printable(state->image),
                            state->read_only ? "read-only" : "read-write",
                            mounted.empty() ? "" : "  on" + mounted,
                            is_served ? "" : "  (its server is gone)");
    }
    if (tool.common().json) {
        Json document;
        document["attached"] = list;
        tool.print_json(document);
    } else {
        tool.print(text);
    }
    return exit_done;
}

}  // namespace insitu::apps
