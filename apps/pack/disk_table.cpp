// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/disk_table.hpp"

#include <fmt/format.h>

#include "insitu/error.hpp"

namespace insitu::apps {

std::string partition_text(const Partition& partition) {
    return partition.name.empty()
               ? fmt::format("partition {}", partition.number)
               : fmt::format("partition {} ({})", partition.number, partition.name);
}

void require_aligned(const Store& disk, const Partition& partition) {
    const auto refuse = [&](std::uint64_t at_byte, const std::string& text, const char* hint) {
        throw Error(ErrorKind::refused, {.file = disk.name(), .byte = at_byte},
                    fmt::format("{} {}", partition_text(partition), text), hint);
    };
    if (partition.end_byte <= partition.first_byte) {
        refuse(partition.first_byte, "ends before it starts", "");
    }
    if (partition.end_byte > disk.size_bytes()) {
        refuse(
            partition.end_byte,
            fmt::format("ends at byte {}, the disk has {}", partition.end_byte, disk.size_bytes()),
            "is the disk image cut off?");
    }
    for (const std::uint64_t at_byte : {partition.first_byte, partition.end_byte}) {
        if (at_byte % large_sector_bytes == 0) continue;
        refuse(at_byte,
               fmt::format("{} at byte {}, which is not a multiple of {}",
                           at_byte == partition.first_byte ? "starts" : "ends", at_byte,
                           large_sector_bytes),
               "make the disk with partitions that are aligned to 1 MiB");
    }
}

std::uint64_t load_number(ByteView bytes, std::size_t at, std::size_t length) {
    std::uint64_t value = 0;
    for (std::size_t i = length; i-- > 0;)
        value = value << 8U | std::to_integer<std::uint64_t>(bytes[at + i]);
    return value;
}

void store_number(ByteSpan bytes, std::size_t at, std::size_t length, std::uint64_t value) {
    for (std::size_t i = 0; i < length; ++i) {
        bytes[at + i] = static_cast<std::byte>(value & 0xffU);
        value >>= 8U;
    }
}

}  // namespace insitu::apps
