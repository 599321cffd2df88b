// SPDX-License-Identifier: GPL-2.0-or-later
// DOS partition tables: four entries at the end of the first 512 bytes of the disk. One of them may
// be an extended partition, a chain of such sectors with an entry for a logical partition (counted
// from the sector itself) and one for the next sector (counted from the start of the extended one).
// With sectors of 4096 bytes the tables are in the first 512 bytes of theirs.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "insitu/error.hpp"
#include "pack/disk_table.hpp"
#include "pack/dos_entry.hpp"

namespace insitu::apps {

namespace {

constexpr std::size_t table_at = 446;
constexpr std::size_t entry_bytes = 16;
constexpr std::uint8_t protective_type = 0xee;
constexpr std::uint64_t ratio = large_sector_bytes / small_sector_bytes;

bool is_extended(std::uint8_t type) {
    return type == 0x05 || type == 0x0f || type == 0x85;
}

Partition partition_of(unsigned number, const DosEntry& entry, std::uint64_t base_sector) {
    const std::uint64_t first = base_sector + entry.first_sector;
    return {number, {}, first * small_sector_bytes, (first + entry.sectors) * small_sector_bytes};
}

bool is_used(const DosEntry& entry) {
    return entry.type != 0 && entry.sectors != 0;
}

class DosRewrite {
  public:
    explicit DosRewrite(const Store& disk) : disk_(disk) { table_.kind = "DOS"; }

    DiskTable run(std::vector<std::byte> sector) {
        for (std::size_t i = 0; i < dos_entries; ++i) {
            const DosEntry entry = dos_entry(sector, i);
            if (!is_used(entry)) continue;
            const Partition partition = partition_of(static_cast<unsigned>(i + 1), entry, 0);
            require_aligned(disk_, partition);
            set_dos_entry(sector, i, entry.first_sector / ratio, entry.sectors / ratio);
            if (is_extended(entry.type)) {
                chain(partition);
            } else {
                table_.partitions.push_back(partition);
            }
        }
        add_patch(0, std::move(sector));
        std::sort(table_.patches.begin(), table_.patches.end(),
                  [](const DiskPatch& a, const DiskPatch& b) { return a.at_byte < b.at_byte; });
        return std::move(table_);
    }

  private:
    void add_patch(std::uint64_t at_byte, std::vector<std::byte> bytes) {
        table_.patches.push_back({at_byte, std::move(bytes)});
    }

    [[noreturn]] void refuse(std::uint64_t at_byte, const std::string& text) const {
        throw Error(ErrorKind::refused, {.file = disk_.name(), .byte = at_byte}, text);
    }

    void chain(const Partition& extended) {
        constexpr unsigned most_logical = 60;  // as the kernel
        std::uint64_t at_byte = extended.first_byte;
        for (unsigned i = 0;; ++i) {
            if (i == most_logical) refuse(at_byte, "has a chain of logical partitions without end");
            std::vector<std::byte> sector(small_sector_bytes);
            disk_.read_at(at_byte, sector);
            if (!has_dos_signature(sector)) {
                refuse(at_byte,
                       "has a damaged extended partition: a table of its has no signature");
            }
            const DosEntry entry = dos_entry(sector, 0);
            if (is_used(entry)) {
                const Partition partition =
                    partition_of(next_logical_++, entry, at_byte / small_sector_bytes);
                require_aligned(disk_, partition);
                set_dos_entry(sector, 0, entry.first_sector / ratio, entry.sectors / ratio);
                table_.partitions.push_back(partition);
            }
            const DosEntry next = dos_entry(sector, 1);
            const bool is_last = !is_used(next) || !is_extended(next.type);
            if (!is_last) set_dos_entry(sector, 1, next.first_sector / ratio, next.sectors / ratio);
            add_patch(at_byte, std::move(sector));
            if (is_last) return;
            // Not behind the one before, as fdisk makes it: it may point back.
            const Partition link = partition_of(next_logical_, next, 0);
            at_byte = extended.first_byte + link.first_byte;
            const bool is_inside = at_byte < extended.end_byte;
            const bool was_there =
                std::any_of(table_.patches.begin(), table_.patches.end(),
                            [&](const DiskPatch& patch) { return patch.at_byte == at_byte; });
            if (!is_inside || was_there) {
                refuse(at_byte, "has a damaged extended partition: its chain leads astray");
            }
            if (link.first_byte % large_sector_bytes != 0 ||
                link.end_byte % large_sector_bytes != 0) {
                refuse(at_byte, fmt::format("the table of partition {} is at byte {} or ends "
                                            "where it is not a multiple of {}",
                                            next_logical_, at_byte, large_sector_bytes));
            }
        }
    }

    const Store& disk_;
    unsigned next_logical_ = dos_entries + 1;
    DiskTable table_;
};

}  // namespace

bool has_dos_signature(ByteView sector) {
    return sector[510] == std::byte{0x55} && sector[511] == std::byte{0xaa};
}

DosEntry dos_entry(ByteView sector, std::size_t index) {
    const std::size_t at = table_at + index * entry_bytes;
    return {static_cast<std::uint8_t>(load_number(sector, at + 4, 1)),
            static_cast<std::uint32_t>(load_number(sector, at + 8, 4)),
            static_cast<std::uint32_t>(load_number(sector, at + 12, 4))};
}

void set_dos_entry(ByteSpan sector, std::size_t index, std::uint64_t first_sector,
                   std::uint64_t sectors) {
    constexpr std::uint64_t no_geometry = 0xfffffe;
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    const std::size_t at = table_at + index * entry_bytes;
    store_number(sector, at + 1, 3, no_geometry);
    store_number(sector, at + 5, 3, no_geometry);
    store_number(sector, at + 8, 4, first_sector);
    store_number(sector, at + 12, 4, std::min(sectors, most));
}

bool has_protective_entry(ByteView sector) {
    if (!has_dos_signature(sector)) return false;
    for (std::size_t i = 0; i < dos_entries; ++i) {
        if (dos_entry(sector, i).type == protective_type) return true;
    }
    return false;
}

void rewrite_dos_entries(const Store& disk, ByteSpan sector, std::uint64_t last_large_sector) {
    std::size_t used = 0;
    for (std::size_t i = 0; i < dos_entries; ++i)
        used += is_used(dos_entry(sector, i)) ? 1 : 0;
    for (std::size_t i = 0; i < dos_entries; ++i) {
        const DosEntry entry = dos_entry(sector, i);
        if (!is_used(entry)) continue;
        const Partition partition = partition_of(static_cast<unsigned>(i + 1), entry, 0);
        if (entry.type != protective_type) {
            require_aligned(disk, partition);
            set_dos_entry(sector, i, entry.first_sector / ratio, entry.sectors / ratio);
        } else if (used == 1) {
            set_dos_entry(sector, i, 1, last_large_sector);
        } else {
            // Of a hybrid table: what is protected need not be exact, but has to end in time.
            const std::uint64_t first = std::max<std::uint64_t>(entry.first_sector / ratio, 1);
            const std::uint64_t end = partition.end_byte / large_sector_bytes;
            set_dos_entry(sector, i, first, std::max(end, first + 1) - first);
        }
    }
}

std::optional<DiskTable> rewrite_dos_table(const Store& disk) {
    if (disk.size_bytes() < small_sector_bytes) return std::nullopt;
    std::vector<std::byte> sector(small_sector_bytes);
    disk.read_at(0, sector);
    if (!has_dos_signature(sector)) return std::nullopt;
    for (std::size_t i = 0; i < dos_entries; ++i) {
        const std::uint64_t flag = load_number(sector, table_at + i * entry_bytes, 1);
        if (flag != 0 && flag != 0x80) return std::nullopt;  // code or text, no table
    }
    DiskTable table = DosRewrite(disk).run(std::move(sector));
    if (table.partitions.empty()) return std::nullopt;
    return table;
}

}  // namespace insitu::apps
