// SPDX-License-Identifier: GPL-2.0-or-later
// GUID partition tables (UEFI specification, 5.3). A table for sectors of 4096 bytes has its header
// at byte 4096 instead of 512, its entries after it, and the copies of both at the end:
//
//     512:  MBR | header | entries (16 KiB) | …            … | entries | header
//     4096: MBR, zeros | header, zeros | entries | …   … | entries | header, zeros
//
// Numbers of sectors become an eighth, checksums follow; names, types and GUIDs stay.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "insitu/error.hpp"
#include "pack/crc32.hpp"
#include "pack/disk_table.hpp"
#include "pack/dos_entry.hpp"

namespace insitu::apps {

namespace {

constexpr std::size_t least_header_bytes = 92;
constexpr std::size_t least_entry_bytes = 128;
constexpr std::uint64_t least_array_bytes = 16384;
constexpr std::uint64_t most_array_bytes = std::uint64_t{1} << 20;
constexpr std::uint64_t ratio = large_sector_bytes / small_sector_bytes;

// Places in a header.
constexpr std::size_t header_length_at = 12;
constexpr std::size_t header_sum_at = 16;
constexpr std::size_t own_sector_at = 24;
constexpr std::size_t other_sector_at = 32;
constexpr std::size_t first_usable_at = 40;
constexpr std::size_t last_usable_at = 48;
constexpr std::size_t array_sector_at = 72;
constexpr std::size_t count_at = 80;
constexpr std::size_t entry_bytes_at = 84;
constexpr std::size_t array_sum_at = 88;
// Places in an entry.
constexpr std::size_t type_bytes = 16;
constexpr std::size_t first_sector_at = 32;
constexpr std::size_t last_sector_at = 40;
constexpr std::size_t name_at = 56;

struct Range {
    std::uint64_t at_byte = 0;
    std::uint64_t length_bytes = 0;
};

// One of the two copies, as it is on the disk.
struct Copy {
    std::string fault;  // empty: it is sound
    std::vector<std::byte> header;
    std::vector<std::byte> array;
    Range array_range;

    std::uint64_t number(std::size_t at, std::size_t length) const {
        return load_number(header, at, length);
    }
    std::size_t entry_bytes() const { return number(entry_bytes_at, 4); }
};

std::uint32_t header_sum(std::vector<std::byte> header, std::size_t length) {
    store_number(header, header_sum_at, 4, 0);
    return crc32(ByteView(header).first(length));
}

bool has_signature(ByteView header) {
    constexpr std::string_view signature = "EFI PART";
    return std::equal(signature.begin(), signature.end(), header.begin(),
                      [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

bool has_large_gpt(const Store& disk) {
    std::vector<std::byte> header(small_sector_bytes);
    if (disk.size_bytes() < large_sector_bytes + header.size()) return false;
    disk.read_at(large_sector_bytes, header);
    return has_signature(header);
}

// What is wrong with a header at this sector; empty: nothing, but for the array.
std::string header_fault(const Copy& copy, std::uint64_t sector) {
    if (!has_signature(copy.header)) return "has no signature";
    const std::uint64_t length = copy.number(header_length_at, 4);
    if (length < least_header_bytes || length > small_sector_bytes) {
        return fmt::format("has a header of {} bytes", length);
    }
    if (copy.number(header_sum_at, 4) != header_sum(copy.header, length)) {
        return "has a wrong checksum";
    }
    if (copy.number(own_sector_at, 8) != sector) {
        return fmt::format("says that it is in sector {}", copy.number(own_sector_at, 8));
    }
    const std::uint64_t count = copy.number(count_at, 4);
    const std::uint64_t entry_bytes = copy.entry_bytes();
    if (count == 0 || entry_bytes < least_entry_bytes || entry_bytes % least_entry_bytes != 0 ||
        count * entry_bytes > most_array_bytes) {
        return fmt::format("has {} entries of {} bytes", count, entry_bytes);
    }
    return {};
}

Copy read_copy(const Store& disk, std::uint64_t sector) {
    Copy copy;
    copy.header.resize(small_sector_bytes);
    disk.read_at(sector * small_sector_bytes, copy.header);
    copy.fault = header_fault(copy, sector);
    if (!copy.fault.empty()) return copy;
    const std::uint64_t array_sector = copy.number(array_sector_at, 8);
    const std::uint64_t length = copy.number(count_at, 4) * copy.entry_bytes();
    if (array_sector > disk.size_bytes() / small_sector_bytes ||
        length > disk.size_bytes() - array_sector * small_sector_bytes) {
        copy.fault = "has its entries after the end of the disk";
        return copy;
    }
    copy.array_range = {array_sector * small_sector_bytes, length};
    copy.array.resize(length);
    disk.read_at(copy.array_range.at_byte, copy.array);
    if (copy.number(array_sum_at, 4) != crc32(copy.array)) {
        copy.fault = "has entries with a wrong checksum";
    }
    return copy;
}

std::string name_of(ByteView entry) {
    constexpr std::size_t most_units = 36;
    constexpr std::uint64_t ascii_end = 0x7f;
    std::string name;
    for (std::size_t i = 0; i < most_units; ++i) {
        const std::uint64_t unit = load_number(entry, name_at + 2 * i, 2);
        if (unit == 0) break;
        name.push_back(unit >= ' ' && unit < ascii_end ? static_cast<char>(unit) : '?');
    }
    return name;
}

class GptRewrite {
  public:
    GptRewrite(const Store& disk, std::vector<std::byte> mbr)
        : disk_(disk),
          mbr_(std::move(mbr)),
          last_sector_(disk.size_bytes() / small_sector_bytes - 1),
          main_(read_copy(disk, 1)),
          backup_(read_copy(disk, last_sector_)) {}

    DiskTable run() {
        choose();
        if (disk_.size_bytes() % large_sector_bytes != 0) {
            throw Error(ErrorKind::refused, {.file = disk_.name()},
                        fmt::format("has {} bytes, which is not a multiple of {}: the second GPT "
                                    "would not be at its end",
                                    disk_.size_bytes(), large_sector_bytes),
                        "truncate -s %4096 a copy of it, and sgdisk -e that");
        }
        array_sectors_ = ceil_div(std::max<std::uint64_t>(used_->array.size(), least_array_bytes),
                                  large_sector_bytes);
        last_large_ = disk_.size_bytes() / large_sector_bytes - 1;
        if (last_large_ < 2 * (array_sectors_ + 1) + 1) {
            throw Error(ErrorKind::refused, {.file = disk_.name()}, "is too small for a GPT");
        }
        rewrite_array();
        require_nothing_else(0, data_start());
        require_nothing_else(data_end(), disk_.size_bytes());
        table_.kind = "GPT";
        add_front();
        add_back();
        return std::move(table_);
    }

    bool is_damaged() const { return !main_.fault.empty() && !backup_.fault.empty(); }
    const std::string& fault() const { return main_.fault; }

  private:
    std::uint64_t data_start() const { return (2 + array_sectors_) * large_sector_bytes; }
    std::uint64_t data_end() const { return (last_large_ - array_sectors_) * large_sector_bytes; }

    void choose() {
        used_ = main_.fault.empty() ? &main_ : &backup_;
        if (!main_.fault.empty()) {
            table_.notes.push_back("its first GPT " + main_.fault +
                                   ": the second one is taken, and both are written");
        } else if (!backup_.fault.empty()) {
            table_.notes.push_back("its second GPT " + backup_.fault + ": it is written anew");
        } else if (main_.array != backup_.array) {
            table_.notes.emplace_back("its two GPTs differ: the first one is taken");
        }
    }

    void rewrite_array() {
        array_ = used_->array;
        const std::size_t entry_bytes = used_->entry_bytes();
        for (std::size_t i = 0; i * entry_bytes < array_.size(); ++i) {
            const ByteSpan entry = ByteSpan(array_).subspan(i * entry_bytes, entry_bytes);
            const bool is_free = std::all_of(entry.begin(), entry.begin() + type_bytes,
                                             [](std::byte byte) { return byte == std::byte{0}; });
            if (is_free) continue;
            const Partition partition = partition_of(static_cast<unsigned>(i + 1), entry);
            require_aligned(disk_, partition);
            require_apart(partition);
            store_number(entry, first_sector_at, 8, partition.first_byte / large_sector_bytes);
            store_number(entry, last_sector_at, 8, partition.end_byte / large_sector_bytes - 1);
            table_.partitions.push_back(partition);
        }
    }

    Partition partition_of(unsigned number, ByteView entry) const {
        constexpr std::uint64_t most_sectors =
            std::numeric_limits<std::int64_t>::max() / small_sector_bytes;
        const auto bytes = [&](std::size_t at, std::uint64_t more) {
            return (std::min(load_number(entry, at, 8), most_sectors) + more) * small_sector_bytes;
        };
        return {number, name_of(entry), bytes(first_sector_at, 0), bytes(last_sector_at, 1)};
    }

    void require_apart(const Partition& partition) const {
        if (partition.first_byte >= data_start() && partition.end_byte <= data_end()) return;
        throw Error(ErrorKind::refused, {.file = disk_.name(), .byte = partition.first_byte},
                    fmt::format("{} is at bytes {} to {}, and a GPT with such sectors needs those "
                                "before {} and from {} on",
                                partition_text(partition), partition.first_byte, partition.end_byte,
                                data_start(), data_end()));
    }

    // What is written over has to be the old table, or zeros.
    void require_nothing_else(std::uint64_t from, std::uint64_t to) const {
        std::vector<std::byte> bytes(to - from);
        disk_.read_at(from, bytes);
        const auto forget = [&](const Range& range) {
            const std::uint64_t first = std::clamp(range.at_byte, from, to);
            const std::uint64_t end = std::clamp(range.at_byte + range.length_bytes, first, to);
            std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(first - from), end - first,
                        std::byte{0});
        };
        const std::uint64_t end = disk_.size_bytes();
        const std::uint64_t usual = least_array_bytes + small_sector_bytes;
        forget({0, 2 * small_sector_bytes});
        forget({end - small_sector_bytes, small_sector_bytes});
        forget(main_.fault.empty() ? main_.array_range
                                   : Range{2 * small_sector_bytes, least_array_bytes});
        forget(backup_.fault.empty() ? backup_.array_range : Range{end - usual, usual});
        const auto found = std::find_if(bytes.begin(), bytes.end(),
                                        [](std::byte byte) { return byte != std::byte{0}; });
        if (found == bytes.end()) return;
        throw Error(
            ErrorKind::refused,
            {.file = disk_.name(),
             .byte = from + static_cast<std::uint64_t>(found - bytes.begin())},
            "holds something outside of all partitions, where a GPT with such sectors has to be",
            "a boot loader? It would be overwritten");
    }

    std::vector<std::byte> header(std::uint64_t own, std::uint64_t other,
                                  std::uint64_t array_sector) const {
        std::vector<std::byte> header = used_->header;
        const std::uint64_t first = used_->number(first_usable_at, 8);
        const std::uint64_t last = used_->number(last_usable_at, 8);
        store_number(header, own_sector_at, 8, own);
        store_number(header, other_sector_at, 8, other);
        store_number(header, first_usable_at, 8,
                     std::clamp(ceil_div(first, ratio), 2 + array_sectors_, last_large_));
        store_number(header, last_usable_at, 8,
                     std::min((last + 1) / ratio - 1, last_large_ - array_sectors_ - 1));
        store_number(header, array_sector_at, 8, array_sector);
        store_number(header, array_sum_at, 4, crc32(array_));
        store_number(header, header_sum_at, 4,
                     header_sum(header, used_->number(header_length_at, 4)));
        return header;
    }

    void add_front() {
        DiskPatch patch{0, std::vector<std::byte>(data_start())};
        rewrite_dos_entries(disk_, mbr_, last_large_);
        std::copy(mbr_.begin(), mbr_.end(), patch.bytes.begin());
        const auto bytes = header(1, last_large_, 2);
        std::copy(bytes.begin(), bytes.end(), patch.bytes.begin() + large_sector_bytes);
        std::copy(array_.begin(), array_.end(), patch.bytes.begin() + 2 * large_sector_bytes);
        table_.patches.push_back(std::move(patch));
    }

    void add_back() {
        DiskPatch patch{data_end(), std::vector<std::byte>(disk_.size_bytes() - data_end())};
        const auto bytes = header(last_large_, 1, last_large_ - array_sectors_);
        std::copy(array_.begin(), array_.end(), patch.bytes.begin());
        std::copy(bytes.begin(), bytes.end(),
                  patch.bytes.end() - static_cast<std::ptrdiff_t>(large_sector_bytes));
        table_.patches.push_back(std::move(patch));
    }

    const Store& disk_;
    std::vector<std::byte> mbr_;
    std::uint64_t last_sector_;
    Copy main_;
    Copy backup_;
    const Copy* used_ = nullptr;
    std::vector<std::byte> array_;
    std::uint64_t array_sectors_ = 0;
    std::uint64_t last_large_ = 0;
    DiskTable table_;
};

}  // namespace

std::optional<DiskTable> rewrite_gpt(const Store& disk) {
    constexpr std::uint64_t least_bytes = 4 * small_sector_bytes;
    if (disk.size_bytes() < least_bytes) return std::nullopt;
    std::vector<std::byte> mbr(small_sector_bytes);
    disk.read_at(0, mbr);
    // Without it the kernel, too, takes no notice of a GPT.
    if (!has_protective_entry(mbr)) return std::nullopt;
    GptRewrite rewrite(disk, std::move(mbr));
    if (rewrite.is_damaged() && has_large_gpt(disk)) {
        throw Error(ErrorKind::refused, {.file = disk.name()},
                    "has a GPT for sectors of 4096 bytes already", "leave --sector-size out");
    }
    if (rewrite.is_damaged()) {
        throw Error(
            ErrorKind::refused, {.file = disk.name(), .byte = small_sector_bytes},
            fmt::format("its first GPT {}, and the second one is damaged as well", rewrite.fault()),
            "sgdisk or gdisk can repair one");
    }
    return rewrite.run();
}

}  // namespace insitu::apps
