// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/fat_image.hpp"

#include <fmt/format.h>

#include <chrono>

#include "insitu/units.hpp"

namespace insitu::apps {

namespace {

constexpr std::size_t entry_bytes = 32;

void append_utf8(std::string& text, char32_t character) {
    const auto put = [&](unsigned value) { text.push_back(static_cast<char>(value)); };
    if (character < 0x80) {
        put(character);
    } else if (character < 0x800) {
        put(0xc0 | (character >> 6));
        put(0x80 | (character & 0x3f));
    } else if (character < 0x10000) {
        put(0xe0 | (character >> 12));
        put(0x80 | ((character >> 6) & 0x3f));
        put(0x80 | (character & 0x3f));
    } else {
        put(0xf0 | (character >> 18));
        put(0x80 | ((character >> 12) & 0x3f));
        put(0x80 | ((character >> 6) & 0x3f));
        put(0x80 | (character & 0x3f));
    }
}

std::string utf8_of(const std::u16string& units) {
    std::string text;
    for (std::size_t i = 0; i < units.size(); ++i) {
        char32_t character = units[i];
        const bool pair = character >= 0xd800 && character < 0xdc00 && i + 1 < units.size();
        if (pair) character = 0x10000 + ((character - 0xd800) << 10) + (units[++i] - 0xdc00U);
        append_utf8(text, character);
    }
    return text;
}

// The 13 units of a part of a long name.
void add_long_part(std::u16string& name, const std::string& entry) {
    constexpr std::size_t places[] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    std::u16string units;
    for (const std::size_t at : places) {
        const auto unit = static_cast<char16_t>(little(entry, at, 2));
        if (unit == 0) break;
        units.push_back(unit);
    }
    name.insert(0, units);
}

std::string short_name(const std::string& entry) {
    const std::uint64_t lower = little(entry, 12, 1);
    constexpr std::uint64_t lower_base = 0x08;
    constexpr std::uint64_t lower_suffix = 0x10;
    const auto piece = [&](std::size_t at, std::size_t length, bool is_lower) {
        std::string text = entry.substr(at, length);
        text.erase(text.find_last_not_of(' ') + 1);
        for (char& letter : text) {
            if (is_lower && letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + 32);
        }
        return text;
    };
    const std::string base = piece(0, 8, (lower & lower_base) != 0);
    const std::string suffix = piece(8, 3, (lower & lower_suffix) != 0);
    return suffix.empty() ? base : base + "." + suffix;
}

Timestamp time_of(std::uint64_t date, std::uint64_t time) {
    using namespace std::chrono;
    const year_month_day day{year(static_cast<int>(1980 + (date >> 9))),
                             month(static_cast<unsigned>((date >> 5) & 15)),
                             std::chrono::day(static_cast<unsigned>(date & 31))};
    const auto days = sys_days(day).time_since_epoch().count();
    constexpr std::int64_t day_seconds = 86400;
    const std::uint64_t seconds = (time >> 11) * 3600 + ((time >> 5) & 63) * 60 + (time & 31) * 2;
    return {days * day_seconds + static_cast<std::int64_t>(seconds), 0};
}

std::vector<FatEntry> parse_directory(const std::string& bytes) {
    constexpr std::uint64_t volume_label = 0x08;
    constexpr std::uint64_t long_part = 0x0f;
    constexpr std::uint64_t directory = 0x10;
    std::vector<FatEntry> entries;
    std::u16string long_name;
    for (std::size_t at = 0; at + entry_bytes <= bytes.size(); at += entry_bytes) {
        const std::string raw = bytes.substr(at, entry_bytes);
        if (raw[0] == '\0') break;
        const std::uint64_t attributes = little(raw, 11, 1);
        constexpr char deleted = '\xe5';
        if (raw[0] == deleted) continue;
        if (attributes == long_part) {
            constexpr std::uint64_t last_part = 0x40;
            if ((little(raw, 0, 1) & last_part) != 0) long_name.clear();
            add_long_part(long_name, raw);
            continue;
        }
        FatEntry entry;
        entry.name = long_name.empty() ? short_name(raw) : utf8_of(long_name);
        long_name.clear();
        if ((attributes & volume_label) != 0 || entry.name == "." || entry.name == "..") continue;
        entry.is_directory = (attributes & directory) != 0;
        entry.first_cluster =
            static_cast<std::uint32_t>(little(raw, 26, 2) | little(raw, 20, 2) << 16);
        entry.size_bytes = static_cast<std::uint32_t>(little(raw, 28, 4));
        entry.modified = time_of(little(raw, 24, 2), little(raw, 22, 2));
        entries.push_back(std::move(entry));
    }
    return entries;
}

}  // namespace

FatImage::FatImage(const std::string& file) : bytes_(file, ImageBytes::Mode::read) {
    const std::string boot = bytes_.read(0, 512);
    const std::uint64_t sector = little(boot, 11, 2);
    cluster_bytes_ = static_cast<std::uint32_t>(sector * little(boot, 13, 1));
    const std::uint64_t reserved = little(boot, 14, 2);
    const std::uint64_t tables = little(boot, 16, 1);
    root_names_ = static_cast<std::uint32_t>(little(boot, 17, 2));
    const std::uint64_t total =
        little(boot, 19, 2) != 0 ? little(boot, 19, 2) : little(boot, 32, 4);
    const bool is_32 = little(boot, 22, 2) == 0;
    const std::uint64_t table_sectors = is_32 ? little(boot, 36, 4) : little(boot, 22, 2);
    if (sector == 0 || cluster_bytes_ == 0) bad_image("it has no boot sector of FAT");
    root_at_ = (reserved + tables * table_sectors) * sector;
    const std::uint64_t root_sectors = ceil_div(root_names_ * entry_bytes, sector);
    data_at_ = root_at_ + root_sectors * sector;
    if (total * sector < data_at_) bad_image("its boot sector of FAT contradicts itself");
    clusters_ = (total * sector - data_at_) / cluster_bytes_;
    constexpr std::uint64_t least_16 = 4085;
    entry_bits_ = is_32 ? 32 : clusters_ < least_16 ? 12 : 16;
    if (is_32) root_cluster_ = static_cast<std::uint32_t>(little(boot, 44, 4));
    table_ = bytes_.read(reserved * sector, table_sectors * sector);
}

std::uint32_t FatImage::next_cluster(std::uint32_t cluster) const {
    if (entry_bits_ == 32) {
        constexpr std::uint64_t number = 0x0fffffff;
        const std::uint64_t next = little(table_, std::size_t{cluster} * 4, 4) & number;
        return next >= 0x0ffffff8 ? 0 : static_cast<std::uint32_t>(next);
    }
    if (entry_bits_ == 16) {
        const std::uint64_t next = little(table_, std::size_t{cluster} * 2, 2);
        return next >= 0xfff8 ? 0 : static_cast<std::uint32_t>(next);
    }
    const std::uint64_t pair = little(table_, cluster + cluster / 2, 2);
    const std::uint64_t next = (cluster & 1U) != 0 ? pair >> 4 : pair & 0xfff;
    return next >= 0xff8 ? 0 : static_cast<std::uint32_t>(next);
}

std::vector<std::uint32_t> FatImage::chain(std::uint32_t first_cluster) const {
    std::vector<std::uint32_t> clusters;
    for (std::uint32_t at = first_cluster; at != 0; at = next_cluster(at)) {
        if (at < 2 || at >= clusters_ + 2 || clusters.size() > clusters_) {
            bad_image(fmt::format("a chain of clusters leads to {}", at));
        }
        clusters.push_back(at);
    }
    return clusters;
}

std::uint64_t FatImage::byte_of(std::uint32_t cluster) const {
    return data_at_ + (std::uint64_t{cluster} - 2) * cluster_bytes_;
}

std::vector<FatEntry> FatImage::directory(std::uint32_t first_cluster) const {
    std::string bytes;
    for (const std::uint32_t cluster : chain(first_cluster))
        bytes += bytes_.read(byte_of(cluster), cluster_bytes_);
    return parse_directory(bytes);
}

std::vector<FatEntry> FatImage::root() const {
    if (root_cluster_ != 0) return directory(root_cluster_);
    return parse_directory(bytes_.read(root_at_, std::uint64_t{root_names_} * entry_bytes));
}

}  // namespace insitu::apps
