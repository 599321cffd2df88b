// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/large_sectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "insitu/internal/store/sector_check.hpp"
#include "pack/disk_table.hpp"
#include "pack/fat_rebuild.hpp"
#include "pack/patched_disk.hpp"

namespace insitu::apps {

namespace {

ContentReader reader_of(const Store& disk, std::uint64_t first_byte) {
    return [&disk, first_byte](std::uint64_t at_byte, ByteSpan output) {
        disk.read_at(first_byte + at_byte, output);
    };
}

DiskTable table_of(const Store& disk) {
    const auto content = find_small_sectors(disk.size_bytes(), reader_of(disk, 0));
    const bool is_table =
        !content || content->content == "a GPT" || content->content == "a DOS partition table";
    if (auto table = rewrite_gpt(disk)) return std::move(*table);
    if (is_table) {
        if (auto table = rewrite_dos_table(disk)) return std::move(*table);
    }
    throw Error(ErrorKind::refused, {.file = disk.name()},
                is_table ? "has no partition table that could be rewritten"
                         : fmt::format("has no partition table, it holds {}", content->content),
                is_table ? "leave --sector-size out" : content->remedy);
}

// What is rewritten or made anew has to be apart.
void require_disjoint(const Store& disk, const DiskTable& table) {
    struct Range {
        std::uint64_t first_byte;
        std::uint64_t end_byte;
        std::string text;
    };
    std::vector<Range> ranges;
    for (const Partition& partition : table.partitions)
        ranges.push_back({partition.first_byte, partition.end_byte, partition_text(partition)});
    for (const DiskPatch& patch : table.patches)
        ranges.push_back({patch.at_byte, patch.at_byte + patch.bytes.size(), "a partition table"});
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.first_byte < b.first_byte; });
    for (std::size_t i = 1; i < ranges.size(); ++i) {
        if (ranges[i].first_byte >= ranges[i - 1].end_byte) continue;
        throw Error(ErrorKind::refused, {.file = disk.name(), .byte = ranges[i].first_byte},
                    fmt::format("{} and {} overlap", ranges[i - 1].text, ranges[i].text));
    }
}

void warn(const Tool& tool, const Store& disk, const Partition& partition,
          const SmallSectors& found, const std::string& remedy) {
    tool.complain(
        fmt::format("warning: {}: {} holds {} with units of {} bytes: it cannot be used "
                    "with sectors of {} bytes",
                    disk.name(), partition_text(partition), found.content, found.unit_bytes,
                    large_sector_bytes));
    tool.complain("hint: " + remedy);
}

}  // namespace

std::unique_ptr<Store> with_large_sectors(const Tool& tool, const Store& disk,
                                          const std::string& directory) {
    DiskTable table = table_of(disk);
    require_disjoint(disk, table);
    for (const std::string& note : table.notes)
        tool.note(fmt::format("{}: {}", disk.name(), note));
    auto result = std::make_unique<PatchedDisk>(disk);
    for (const DiskPatch& patch : table.patches) {
        auto part = std::make_unique<MemoryStore>(patch.bytes.size());
        part->write_at(0, patch.bytes);
        result->add(patch.at_byte, std::move(part));
    }
    for (const Partition& partition : table.partitions) {
        const auto found = find_small_sectors(partition.end_byte - partition.first_byte,
                                              reader_of(disk, partition.first_byte));
        if (!found) continue;
        if (found->content != "FAT") {
            warn(tool, disk, partition, *found, found->remedy);
        } else if (!can_rebuild_fat()) {
            warn(tool, disk, partition, *found, "apt install mtools dosfstools: it is made anew");
        } else {
            result->add(partition.first_byte, rebuild_fat(tool, disk, partition, directory));
            tool.note(
                fmt::format("{}: the FAT file system in {} is made anew with sectors of {} "
                            "bytes",
                            disk.name(), partition_text(partition), large_sector_bytes));
        }
    }
    return result;
}

}  // namespace insitu::apps
