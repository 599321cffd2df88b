// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/virtual_disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <vector>

#include "common/process.hpp"
#include "common/temporary_file.hpp"
#include "insitu/error.hpp"
#include "insitu/open_store.hpp"
#include "pack/format_table.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

namespace {

// Our name, what a container with its magic is called, and qemu's name.
struct Format {
    const char* name;
    const char* container;
    const char* driver;
};
constexpr std::array formats{
    Format{"qcow2", "qcow2", "qcow2"}, Format{"qed", "QED", "qed"},
    Format{"vmdk", "VMDK", "vmdk"},    Format{"vdi", "VDI", "vdi"},
    Format{"vhdx", "VHDX", "vhdx"},    Format{"vhd", "VHD", "vpc"},
    Format{"dmg", "DMG", "dmg"},       Format{"parallels", "Parallels", "parallels"},
};

std::string driver_of(const std::string& name) {
    const auto found = std::find_if(formats.begin(), formats.end(),
                                    [&](const Format& format) { return format.name == name; });
    return found == formats.end() ? name : found->driver;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

std::string required_program(const std::string& name, const std::string& path) {
    std::string program = find_program(name);
    if (!program.empty()) return program;
    throw Error(ErrorKind::refused, {.file = path},
                fmt::format("{}, which reads virtual disks, is not installed", name),
                "apt install qemu-utils");
}

[[noreturn]] void refuse_disk(const std::string& path, const std::string& format,
                              const std::string& text) {
    throw Error(ErrorKind::refused, {.file = path},
                fmt::format("cannot be read as {}: {}", format, text));
}

// What of a file is missing would be read as zeros. qemu-img knows that of all formats but VDI,
// whose header says where the last block ends.
void refuse_truncated_vdi(const Store& store) {
    constexpr std::size_t header_bytes = 0x188;
    if (store.size_bytes() < header_bytes) refuse_disk(store.name(), "vdi", "it is too short");
    std::vector<std::byte> header(header_bytes);
    store.read_at(0, header);
    const auto number = [&](std::size_t at) {
        std::uint64_t value = 0;
        for (std::size_t i = 4; i-- > 0;)
            value = value << 8U | std::to_integer<std::uint64_t>(header[at + i]);
        return value;
    };
    const std::uint64_t end = number(0x158) + number(0x184) * (number(0x178) + number(0x17c));
    if (end <= store.size_bytes()) return;
    refuse_disk(store.name(), "vdi",
                fmt::format("it has {} bytes, its header speaks of {}", store.size_bytes(), end));
}

// Refuses what has lost something; leaked space is no loss.
void check_disk(const Tool& tool, const std::string& path, const std::string& format) {
    constexpr int leaked = 3;
    constexpr int not_supported = 63;
    {
        // Not for long: its lock and those of qemu are not for each other.
        const OwnedStore store = open_store(path, Access::read, tool.sharing());
        if (format == "vdi") refuse_truncated_vdi(*store);
    }
    Command command;
    command.arguments = {required_program("qemu-img", path), "check", "-q", "-f", driver_of(format),
                         fs::absolute(path).string()};
    const CommandResult result = run_command(command, tool.stop());
    if (result.done() || result.status == leaked || result.status == not_supported) return;
    const std::string text = first_line(result.output);
    refuse_disk(path, format, text.empty() ? "qemu-img check finds it damaged" : text);
}

}  // namespace

const std::vector<std::string>& virtual_disk_formats() {
    static const std::vector<std::string> names = names_of_formats(formats);
    return names;
}

std::optional<std::string> virtual_disk_format_of(const std::string& container) {
    return format_of_container(formats, container);
}

VirtualDisk::VirtualDisk(const Tool& tool, const std::string& path, const std::string& format)
    : directory_(temporary_directory("/tmp"), "insitu-pack-") {
    const std::string program = required_program("qemu-nbd", path);
    check_disk(tool, path, format);
    Command command;
    // An absolute path is never taken for the name of a protocol.
    command.arguments = {program,    "--read-only",
                         "--fork",   "--shared=16",
                         "--socket", directory_.path() + "/socket",
                         "--format", driver_of(format),
                         "--",       fs::absolute(path).string()};
    const CommandResult result = run_command(command, tool.stop());
    if (result.done()) return;
    refuse_disk(path, format, first_line(result.output));
}

std::string VirtualDisk::uri() const {
    std::string socket;
    for (const char letter : directory_.path() + "/socket") {
        const bool plain = std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
                           std::string_view("/-._").find(letter) != std::string_view::npos;
        socket += plain ? std::string(1, letter)
                        : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
    return "nbd+unix:///?socket=" + socket;
}

}  // namespace insitu::apps
