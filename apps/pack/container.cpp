// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/container.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "insitu/error.hpp"
#include "pack/decoder.hpp"

namespace insitu::apps {

namespace {

using namespace std::string_view_literals;

struct Magic {
    std::string_view name;
    std::size_t at_byte;
    std::string_view bytes;
    std::string_view command;
};

constexpr auto qemu = "qemu-img convert -O raw FILE disk.raw"sv;

// Of each format the bytes that its specification fixes.
constexpr std::array magics{
    Magic{"qcow2", 0, "QFI\xfb"sv, qemu},
    Magic{"QED", 0, "QED\0"sv, qemu},
    Magic{"VMDK", 0, "KDMV"sv, qemu},
    Magic{"VMDK", 0, "COWD"sv, qemu},
    Magic{"VMDK", 0, "# Disk DescriptorFile"sv, qemu},
    Magic{"VDI", 0x40, "\x7f\x10\xda\xbe"sv, qemu},
    Magic{"VHDX", 0, "vhdxfile"sv, qemu},
    Magic{"VHD", 0, "conectix"sv, qemu},
    Magic{"Parallels", 0, "WithoutFreeSpace"sv, qemu},
    Magic{"Parallels", 0, "WithouFreSpacExt"sv, qemu},
    Magic{"gzip", 0, "\x1f\x8b\x08"sv, "gzip -dc FILE"sv},
    Magic{"xz", 0,
          "\xfd"
          "7zXZ\0"sv,
          "xz -dc FILE"sv},
    Magic{"zstd", 0, "\x28\xb5\x2f\xfd"sv, "zstd -dc FILE"sv},
    Magic{"lz4", 0, "\x04\x22\x4d\x18"sv, "lz4 -dc FILE"sv},
    Magic{"lzip", 0, "LZIP\1"sv, "lzip -dc FILE"sv},
    Magic{"lzop", 0, "\x89LZO\0\r\n\x1a\n"sv, "lzop -dc FILE"sv},
    Magic{"zip", 0, "PK\3\4"sv, "unzip -p FILE"sv},
    Magic{"7z", 0, "7z\xbc\xaf\x27\x1c"sv, "7z x -so FILE"sv},
    Magic{"rar", 0, "Rar!\x1a\7"sv, "unrar p -inul FILE"sv},
    Magic{"Android sparse image", 0, "\x3a\xff\x26\xed"sv, "simg2img FILE disk.raw"sv},
    Magic{"tar", 257, "ustar"sv, ""sv},
    Magic{"cpio", 0, "070701"sv, ""sv},
};

bool stands_at(ByteView bytes, std::size_t at_byte, std::string_view magic) {
    if (bytes.size() < at_byte + magic.size()) return false;
    return std::equal(magic.begin(), magic.end(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(at_byte),
                      [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

// "BZh", the level, and the magic of a first block or of the end.
bool is_bzip2(ByteView head) {
    constexpr std::size_t block_at = 4;
    if (!stands_at(head, 0, "BZh"sv) || head.size() < block_at) return false;
    const auto level = static_cast<char>(head[3]);
    return level >= '1' && level <= '9' &&
           (stands_at(head, block_at, "\x31\x41\x59\x26\x53\x59"sv) ||
            stands_at(head, block_at, "\x17\x72\x45\x38\x50\x90"sv));
}

}  // namespace

std::optional<Container> find_container(ByteView head, ByteView tail) {
    for (const Magic& magic : magics) {
        if (stands_at(head, magic.at_byte, magic.bytes)) {
            return Container{std::string(magic.name), std::string(magic.command)};
        }
    }
    if (is_bzip2(head)) return Container{"bzip2", "bzip2 -dc FILE"};
    // A fixed VHD is raw but for its footer, a DMG has nothing else to know it by.
    if (stands_at(tail, 0, "conectix"sv)) return Container{"VHD", std::string(qemu)};
    if (stands_at(tail, 0, "koly"sv)) return Container{"DMG", std::string(qemu)};
    return std::nullopt;
}

std::optional<Container> find_container_in(const Store& store) {
    const std::uint64_t size_bytes = store.size_bytes();
    std::vector<std::byte> head(std::min<std::uint64_t>(container_head_bytes, size_bytes));
    std::vector<std::byte> tail(std::min<std::uint64_t>(container_tail_bytes, size_bytes));
    store.read_at(0, head);
    store.read_at(size_bytes - tail.size(), tail);
    return find_container(head, tail);
}

void refuse_container(const Container& container, const std::string& source) {
    std::string command = container.command;
    if (const std::size_t at = command.find("FILE"); at != std::string::npos) {
        command.replace(at, 4, source);
    }
    const bool makes_file = command.ends_with("disk.raw");
    std::string way = command.empty() ? "insitu-mkfs makes an image of a directory or an archive"
                      : makes_file
                          ? fmt::format("{}, then pack disk.raw", command)
                          : fmt::format("set -o pipefail; {} | insitu-pack - TARGET", command);
    if (makes_file || decoder_format_of(container.name)) {
        way = "--from auto reads it; or " + way;
    }
    throw Error(ErrorKind::refused, {.file = source},
                fmt::format("is not a raw image: {}", container.name),
                way + "; --raw packs it as it is");
}

}  // namespace insitu::apps
