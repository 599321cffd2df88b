// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach/connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/loop.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "attach/host.hpp"
#include "common/printable.hpp"
#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

constexpr std::chrono::seconds patience{20};

// systemd's last SIGTERM spares what has such a name: the server of a file system that is still
// mounted then must outlive it, and goes when that is unmounted.
std::string lasting_name(const std::string& program) {
    return ::geteuid() == 0 ? "@" + program : program;
}

// The plugin that was built or installed with this program; nbdkit's own place otherwise.
std::string plugin_name() {
    std::error_code error;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    const std::string file = "nbdkit-insitu-plugin.so";
    for (const auto& candidate :
         {own / "nbdkit" / file, own.parent_path() / INSITU_LIBDIR / "nbdkit/plugins" / file}) {
        if (!error && std::filesystem::exists(candidate, error)) return candidate.string();
    }
    return "insitu";
}

std::string text_of(const std::string& file) {
    std::ifstream input(file);
    return {std::istreambuf_iterator<char>(input), {}};
}

bool has_kernel_nbd() {
    const auto is_loaded = [] { return ::access("/sys/module/nbd", F_OK) == 0; };
    if (is_loaded()) return true;
    if (!find_program("modprobe").empty()) run_command({{"modprobe", "nbd"}}, nullptr);
    return is_loaded();
}

// The kernel's client on a device that is free. Empty, with the reason: there is none.
std::string connect_nbd(const AttachArguments& arguments, const ImageFolder& folder,
                        std::string& reason, const StopFlag* stop) {
    if (!has_kernel_nbd()) return reason = "the kernel has no module nbd", "";
    if (find_program("nbd-client").empty()) return reason = "nbd-client is not installed", "";
    for (unsigned number = 0;; ++number) {
        std::string device = fmt::format("/dev/nbd{}", number);
        const std::string kernel = fmt::format("/sys/block/nbd{}", number);
        if (::access(kernel.c_str(), F_OK) != 0) break;
        if (::access((kernel + "/pid").c_str(), F_OK) == 0) continue;
        const CommandResult result =
            run_command({{"nbd-client", "-unix", folder.socket(), device, "-b",
                          std::to_string(arguments.sector_bytes), "-C", "2"}},
                        stop);
        // Somebody may have been faster.
        if (!result.done()) continue;
        const auto is_ready = [&] { return first_line_of(kernel + "/size") != "0"; };
        if (wait_until(is_ready, patience)) return device;
    }
    reason = "no /dev/nbdN is free";
    return {};
}

// nbdfuse shows the image as a file.
ProcessId start_fuse(const AttachArguments& arguments, const ImageFolder& folder) {
    const UniqueFd log(
        ::open(folder.fuse_log().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    Command command{{"nbdfuse", "-P", folder.fuse_pid()}};
    if (arguments.read_only) command.arguments.emplace_back("-r");
    for (const std::string& last :
         {folder.fuse_mount() + "/nbd", std::string("--unix"), folder.socket()}) {
        command.arguments.push_back(last);
    }
    command.shown_name = lasting_name("nbdfuse");
    command.directory = "/";
    const ProcessId process = identify(start_process(command, {log.get(), log.get()}));
    const auto is_there = [&] {
        struct stat info {};
        return (::stat(folder.fuse_file().c_str(), &info) == 0 && S_ISREG(info.st_mode)) ||
               !is_running(process);
    };
    if (!wait_until(is_there, patience) || !is_running(process)) {
        throw Error(ErrorKind::refused, {.file = arguments.image},
                    "nbdfuse does not start: " + printable(first_line_of(folder.fuse_log())));
    }
    return process;
}

std::string missing_for_fuse() {
    if (find_program("nbdfuse").empty()) return "nbdfuse is not installed";
    if (::access("/dev/fuse", R_OK | W_OK) != 0) return "/dev/fuse cannot be used";
    if (::geteuid() != 0 && find_program("fusermount3").empty()) {
        return "fusermount3 is not installed";
    }
    return {};
}

std::string make_loop_device(const AttachArguments& arguments, const ImageFolder& folder,
                             const std::vector<std::string>& range, const StopFlag* stop) {
    Command command{{"losetup", "--find", "--show", "--partscan", "--sector-size",
                     std::to_string(arguments.sector_bytes)}};
    if (arguments.read_only) command.arguments.emplace_back("--read-only");
    command.arguments.insert(command.arguments.end(), range.begin(), range.end());
    command.arguments.push_back(folder.fuse_file());
    return run_or_throw(command, arguments.image, stop);
}

void unmount_fuse(const ImageFolder& folder, const std::vector<std::string>& options) {
    if (!is_mount_point(folder.fuse_mount())) return;
    if (::geteuid() == 0) {
        (void)unmount(folder.fuse_mount(), options);
        return;
    }
    Command command{{"fusermount3", "-u"}};
    if (!options.empty()) command.arguments.emplace_back("-z");
    command.arguments.push_back(folder.fuse_mount());
    (void)run_command(command, nullptr);
}

void unmount_by_force(const std::vector<std::string>& devices) {
    for (const std::string& point : mount_points_of(devices)) {
        if (!unmount(point).done()) (void)unmount(point, {"-l"});
    }
}

// Lets a loop device go if it is over this file, else does nothing: once it is open here nobody
// else can get its name. Returns the errno of a failure, or 0.
int let_go_of_loop(const std::string& device, const std::string& file) {
    const UniqueFd fd(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return errno == ENXIO || errno == ENOENT ? 0 : errno;
    const auto loops = loop_devices_over(file);
    if (std::find(loops.begin(), loops.end(), device) == loops.end()) return 0;
    if (::ioctl(fd.get(), LOOP_CLR_FD, 0) == 0 || errno == ENXIO) return 0;
    return errno;
}

void end_devices(const ImageFolder& folder) {
    const auto loops = loop_devices_over(folder.fuse_file());
    unmount_by_force(loops);
    for (const std::string& device : loops)
        (void)let_go_of_loop(device, folder.fuse_file());
    const auto state = folder.load();
    if (!state || state->through != Through::nbd || state->device.empty()) return;
    // The kernel gives a device free whose server is gone: it may be another's by now.
    const std::string owner =
        first_line_of("/sys/block/" + state->device.substr(sizeof "/dev/" - 1) + "/pid");
    if (owner.empty() || owner != std::to_string(state->fuse.pid)) return;
    unmount_by_force({state->device});
    (void)run_command({{"nbd-client", "-d", state->device}}, nullptr);
}

}  // namespace

ProcessId server_of(const ImageFolder& folder) {
    const ProcessId process = identify(folder.server_pid());
    if (!is_running(process)) return {};
    // Another process may have the number.
    const std::string command = text_of(fmt::format("/proc/{}/cmdline", process.pid));
    const std::string socket = folder.socket() + '\0';
    return command.find(socket) != std::string::npos ? process : ProcessId{};
}

ProcessId start_server(const AttachArguments& arguments, const ImageFolder& folder,
                       const StopFlag* stop) {
    if (find_program("nbdkit").empty()) {
        throw Error(ErrorKind::refused, {.file = arguments.image}, "nbdkit is not installed",
                    "apt install nbdkit nbdkit-plugin-insitu");
    }
    Command command{{"nbdkit", "-U", folder.socket(), "-P", folder.server_pid()}};
    if (arguments.read_only) command.arguments.emplace_back("-r");
    command.arguments.push_back(plugin_name());
    command.arguments.push_back("image=" + real_name(arguments.image));
    command.arguments.push_back("control=" + folder.control());
    for (const std::string& parameter : arguments.parameters)
        command.arguments.push_back(parameter);
    command.shown_name = lasting_name("nbdkit");
    (void)run_or_throw(command, arguments.image, stop);
    // It answers by now; its number is written a moment later.
    if (wait_until([&] { return server_of(folder).pid != 0; }, patience)) return server_of(folder);
    throw Error(ErrorKind::refused, {.file = arguments.image}, "nbdkit ended at once",
                "the system's log may say why");
}

void connect_device(const AttachArguments& arguments, const ImageFolder& folder, AttachState& state,
                    const StopFlag* stop) {
    std::string reason;
    if (::geteuid() == 0) state.device = connect_nbd(arguments, folder, reason, stop);
    if (!state.device.empty()) {
        state.through = Through::nbd;
        const std::string name = state.device.substr(sizeof "/dev/" - 1);
        state.fuse.pid = std::atoi(first_line_of("/sys/block/" + name + "/pid").c_str());
        return folder.save(state);
    }
    if (const std::string missing = missing_for_fuse(); !missing.empty()) {
        throw Error(ErrorKind::refused, {.file = arguments.image},
                    reason.empty() ? missing : reason + ", and " + missing,
                    "apt install libnbd-bin fuse3, or nbd-client and modprobe nbd");
    }
    state.through = ::geteuid() == 0 ? Through::fuse_loop : Through::fuse;
    state.fuse = start_fuse(arguments, folder);
    folder.save(state);
    state.device = state.through == Through::fuse ? folder.fuse_file()
                                                  : make_loop_device(arguments, folder, {}, stop);
    folder.save(state);
}

std::string partition_device(const AttachArguments& arguments, const ImageFolder& folder,
                             const AttachState& state, const StopFlag* stop) {
    std::string part = fmt::format("{}p{}", state.device, arguments.partition);
    constexpr std::chrono::seconds for_kernel{1};
    const auto is_there = [&] { return ::access(part.c_str(), F_OK) == 0; };
    // Of a loop device it knows them when losetup ends; making their nodes takes udev a moment.
    const std::string whole =
        state.device.substr(std::min(sizeof "/dev/" - 1, state.device.size()));
    const bool may_come =
        state.through == Through::nbd ||
        ::access(fmt::format("/sys/block/{0}/{0}p{1}", whole, arguments.partition).c_str(), F_OK) ==
            0;
    if (may_come && wait_until(is_there, for_kernel)) return part;
    const CommandResult table =
        run_command({{"partx", "--raw", "--noheadings", "--output", "START,SECTORS",
                      "--sector-size", std::to_string(arguments.sector_bytes), "--nr",
                      std::to_string(arguments.partition), state.device}},
                    stop);
    std::istringstream fields(table.output);
    std::uint64_t start = 0;
    std::uint64_t sectors = 0;
    if (!table.done() || !(fields >> start >> sectors) || sectors == 0 ||
        state.through != Through::fuse_loop) {
        const unsigned other = arguments.sector_bytes == sector_bytes ? block_bytes : sector_bytes;
        throw Error(
            ErrorKind::refused, {.file = arguments.image},
            fmt::format("has no partition {}", arguments.partition),
            fmt::format("partx -s {} shows those there are; a table for sectors of {} bytes "
                        "needs --sector-size {}",
                        printable(state.device), other, other));
    }
    return make_loop_device(arguments, folder,
                            {"--offset", std::to_string(start * sector_bytes), "--sizelimit",
                             std::to_string(sectors * sector_bytes)},
                            stop);
}

std::vector<std::string> devices_of(const ImageFolder& folder, const AttachState& state) {
    if (state.through == Through::fuse_loop) return loop_devices_over(folder.fuse_file());
    return {state.device};
}

void disconnect_device(const ImageFolder& folder, const AttachState& state) {
    if (state.through == Through::nbd) {
        (void)run_or_throw({{"nbd-client", "-d", state.device}}, state.device, nullptr);
        return;
    }
    if (state.through == Through::fuse_loop) {
        for (const std::string& device : devices_of(folder, state)) {
            const int failure = let_go_of_loop(device, folder.fuse_file());
            if (failure != 0) throw io_error({.file = device}, "cannot detach", failure);
        }
        const auto is_gone = [&] { return loop_devices_over(folder.fuse_file()).empty(); };
        if (!wait_until(is_gone, std::chrono::seconds{2})) {
            throw Error(ErrorKind::refused, {.file = state.device}, "a program has it open",
                        "fuser -v names it; the device goes when it ends: detach again then");
        }
    }
    // A loop device lets go of its file a moment after it is gone.
    const auto is_unmounted = [&] {
        unmount_fuse(folder, {});
        return !is_mount_point(folder.fuse_mount());
    };
    if (!wait_until(is_unmounted, std::chrono::seconds{5})) {
        throw Error(ErrorKind::refused, {.file = folder.fuse_file()}, "a program has it open",
                    "fuser -v names it");
    }
    wait_for_end(state.fuse, patience);
}

void dismantle(const ImageFolder& folder) noexcept {
    try {
        end_devices(folder);
        const ProcessId fuse = identify(folder.fuse_pid());
        const bool has_fuse = is_mount_point(folder.fuse_mount());
        unmount_fuse(folder, {"-l"});
        if (has_fuse) wait_for_end(fuse, std::chrono::seconds{2});
        const ProcessId server = server_of(folder);
        if (send_signal(server, SIGTERM)) wait_for_end(server, patience);
    } catch (const std::exception&) {
        // What is left is seen by the next one who comes here.
    }
    folder.remove();
}

}  // namespace insitu::apps
