// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/types.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace insitu::apps {

namespace {

constexpr std::array type_table{
    TypeTraits{"ext2", "mke2fs", "e2fsprogs", false, false},
    TypeTraits{"ext3", "mke2fs", "e2fsprogs", false, false},
    TypeTraits{"ext4", "mke2fs", "e2fsprogs", false, false},
    TypeTraits{"btrfs", "mkfs.btrfs", "btrfs-progs", false, true},
    TypeTraits{"xfs", "mkfs.xfs", "xfsprogs", false, false},
    TypeTraits{"vfat", "mkfs.vfat", "dosfstools", false, true},
    TypeTraits{"squashfs", "mksquashfs", "squashfs-tools", true, true},
    TypeTraits{"erofs", "mkfs.erofs", "erofs-utils", true, true},
};

constexpr std::int64_t oldest_32 = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t newest_32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t newest_unsigned_32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t ages = std::int64_t{1} << 60;
constexpr std::uint32_t second_ns = 1'000'000'000;
constexpr std::uint64_t tib = std::uint64_t{1} << 40;

Holds ext_holds(const std::string& type, const std::vector<std::string>& options) {
    // Two more bits of the seconds, and nanoseconds, stand in the larger inodes.
    const bool small_inodes = option_value(options, "-I") == "128";
    Holds holds;
    holds.oldest_second = oldest_32;
    holds.newest_second = small_inodes ? newest_32 : newest_32 + (std::int64_t{3} << 32);
    holds.granularity_ns = small_inodes ? second_ns : 1;
    holds.acls = true;
    holds.own_entry = "lost+found";
    holds.xattr_prefixes = {"user.", "trusted.", "security.", "system."};
    holds.largest_file_bytes = type == "ext4" ? 16 * tib - 4096 : 2 * tib - 4096;
    return holds;
}

Holds vfat_holds() {
    Holds holds;
    holds.owners = holds.modes = holds.hard_links = holds.sockets = holds.special_files = false;
    holds.oldest_second = 315532800;   // 1980
    holds.newest_second = 4354819198;  // the end of 2107
    holds.granularity_ns = 2 * second_ns;
    holds.largest_file_bytes = newest_unsigned_32;
    return holds;
}

}  // namespace

const TypeTraits* traits_of(const std::string& type) {
    const auto found = std::find_if(type_table.begin(), type_table.end(),
                                    [&](const TypeTraits& traits) { return type == traits.type; });
    return found == type_table.end() ? nullptr : found;
}

std::vector<std::string> file_system_types() {
    std::vector<std::string> names;
    names.reserve(type_table.size());
    for (const TypeTraits& traits : type_table)
        names.emplace_back(traits.type);
    return names;
}

Holds holds_of(const std::string& type, const std::vector<std::string>& options) {
    if (type.starts_with("ext")) return ext_holds(type, options);
    if (type == "vfat") return vfat_holds();
    Holds holds;
    holds.largest_file_bytes = std::numeric_limits<std::int64_t>::max();
    if (type == "squashfs") {
        holds.newest_second = newest_unsigned_32;
        holds.granularity_ns = second_ns;
        holds.xattr_prefixes = {"user.", "trusted.", "security."};
    } else if (type == "erofs") {
        holds.longest_name = 254;  // mkfs.erofs cuts the last byte of a longer one
        holds.oldest_second = -ages;
        holds.newest_second = ages;
        holds.acls = true;
        holds.xattr_prefixes = {"user.", "trusted.", "security."};
    } else if (type == "btrfs") {
        holds.oldest_second = -ages;
        holds.newest_second = ages;
        holds.acls = true;
        holds.xattr_prefixes = {"user.", "trusted.", "security.", "system.", "btrfs."};
    } else {                                              // xfs, from a prototype
        constexpr std::int64_t newest_xfs = 16299260424;  // in 2486
        const bool small_times =
            std::any_of(options.begin(), options.end(), [](const std::string& option) {
                return option.find("bigtime=0") != std::string::npos;
            });
        holds.hard_links = holds.sockets = false;
        holds.acls = true;
        holds.xattr_prefixes = {"user.", "trusted.", "security."};
        holds.xattr_words = true;
        holds.oldest_second = oldest_32;
        holds.newest_second = small_times ? newest_32 : newest_xfs;
        holds.largest_file_bytes = newest_32 - 4095;  // what mkfs.xfs reads at once
    }
    return holds;
}

std::string option_value(const std::vector<std::string>& options, const std::string& option) {
    std::string value;
    for (std::size_t i = 0; i < options.size(); ++i) {
        if (options[i] == option && i + 1 < options.size()) {
            value = options[++i];
        } else if (options[i].starts_with(option) && options[i].size() > option.size()) {
            value = options[i].substr(option.size());
        }
    }
    return value;
}

}  // namespace insitu::apps
