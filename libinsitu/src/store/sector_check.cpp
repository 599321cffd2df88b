// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/sector_check.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace insitu {

namespace {

constexpr std::uint64_t wanted_bytes = 4096;
constexpr std::uint64_t small_sector = 512;

// The start of the content; what lies beyond its end reads as zeros.
class Head {
  public:
    Head(std::uint64_t size_bytes, const ContentReader& read) : bytes_(head_bytes) {
        const std::uint64_t length = std::min<std::uint64_t>(size_bytes, head_bytes);
        read(0, ByteSpan(bytes_).first(length));
    }

    bool has(std::size_t at, std::string_view magic) const {
        return std::equal(magic.begin(), magic.end(),
                          bytes_.begin() + static_cast<std::ptrdiff_t>(at),
                          [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
    }
    std::uint64_t byte(std::size_t at) const { return std::to_integer<std::uint64_t>(bytes_[at]); }
    std::uint64_t le16(std::size_t at) const { return byte(at) | byte(at + 1) << 8U; }
    std::uint64_t le32(std::size_t at) const { return le16(at) | le16(at + 2) << 16U; }
    std::uint64_t be16(std::size_t at) const { return byte(at) << 8U | byte(at + 1); }

  private:
    static constexpr std::size_t head_bytes = 36864;  // an ISO 9660 starts at 32768
    std::vector<std::byte> bytes_;
};

using Found = std::optional<SmallSectors>;

Found small(std::uint64_t unit_bytes, const char* content, const char* remedy) {
    if (unit_bytes == 0 || unit_bytes >= wanted_bytes) return std::nullopt;
    return SmallSectors{content, unit_bytes, remedy};
}

constexpr auto table_remedy =
    "insitu-pack --sector-size 4096 rewrites the table as it packs the disk";

Found gpt(const Head& head) {
    if (!head.has(small_sector, "EFI PART")) return std::nullopt;
    return small(small_sector, "a GPT", table_remedy);
}

// A DOS table does not say what its units are. Positions that only fit the disk in units of 512
// bytes are such; others are left alone.
Found dos_table(const Head& head, std::uint64_t size_bytes) {
    constexpr std::size_t table_at = 446;
    constexpr std::size_t entry_bytes = 16;
    constexpr std::size_t entries = 4;
    if (!head.has(510, "\x55\xaa")) return std::nullopt;
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t at = table_at + i * entry_bytes;
        const std::uint64_t flag = head.byte(at);
        if (flag != 0 && flag != 0x80) return std::nullopt;  // code or text, no table
        if (head.byte(at + 4) == 0) continue;
        end = std::max(end, head.le32(at + 8) + head.le32(at + 12));
    }
    if (end == 0 || end * wanted_bytes <= size_bytes) return std::nullopt;
    return small(small_sector, "a DOS partition table", table_remedy);
}

Found ext(const Head& head) {
    constexpr std::size_t super = 1024;
    constexpr std::uint64_t largest_log = 6;
    if (!head.has(super + 56, "\x53\xef")) return std::nullopt;
    const std::uint64_t log = head.le32(super + 24);
    if (log > largest_log) return std::nullopt;
    return small(std::uint64_t{1024} << log, "ext2/3/4", "mke2fs -b 4096");
}

Found xfs(const Head& head) {
    if (!head.has(0, "XFSB")) return std::nullopt;
    return small(head.be16(102), "XFS", "mkfs.xfs -s size=4096");
}

Found fat_like(const Head& head) {
    if (head.has(3, "NTFS    ")) return small(head.le16(11), "NTFS", "mkntfs -s 4096");
    if (head.has(3, "EXFAT   ")) {
        const std::uint64_t shift = head.byte(108);
        return shift > 12 ? std::nullopt
                          : small(std::uint64_t{1} << shift, "exFAT",
                                  "mkfs.exfat on a device with sectors of 4096 bytes");
    }
    const bool is_fat = head.has(54, "FAT") || head.has(82, "FAT32");
    if (!is_fat || !head.has(510, "\x55\xaa")) return std::nullopt;
    return small(head.le16(11), "FAT", "mkfs.vfat -S 4096");
}

Found iso9660(const Head& head) {
    constexpr std::size_t descriptor = 32768;
    if (!head.has(descriptor + 1, "CD001")) return std::nullopt;
    return small(head.le16(descriptor + 128), "ISO 9660", "squashfs or erofs instead");
}

Found erofs(const Head& head) {
    constexpr std::size_t super = 1024;
    constexpr std::uint64_t largest_shift = 16;
    if (!head.has(super, "\xe2\xe1\xf5\xe0")) return std::nullopt;
    const std::uint64_t shift = head.byte(super + 12);
    return shift > largest_shift ? std::nullopt
                                 : small(std::uint64_t{1} << shift, "EROFS", "mkfs.erofs -b 4096");
}

}  // namespace

std::optional<SmallSectors> find_small_sectors(std::uint64_t size_bytes,
                                               const ContentReader& read) {
    const Head head(size_bytes, read);
    for (const auto look : {gpt, ext, xfs, fat_like, erofs, iso9660}) {
        if (auto found = look(head)) return found;
    }
    // The boot sector of these ends like a partition table.
    const bool is_file_system = head.has(82, "FAT32") || head.has(54, "FAT") ||
                                head.has(3, "NTFS    ") || head.has(3, "EXFAT   ");
    return is_file_system ? std::nullopt : dos_table(head, size_bytes);
}

}  // namespace insitu
