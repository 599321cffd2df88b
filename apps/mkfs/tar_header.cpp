// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/tar_header.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "insitu/error.hpp"
#include "insitu/units.hpp"

namespace insitu::apps {

namespace {

constexpr std::size_t block_size = 512;
constexpr std::size_t name_at = 0;
constexpr std::size_t name_bytes = 100;
constexpr std::size_t link_at = 157;
constexpr std::size_t prefix_at = 345;
constexpr std::size_t prefix_bytes = 155;
constexpr std::size_t checksum_at = 148;
constexpr std::size_t checksum_bytes = 8;
constexpr std::uint64_t longest_extension = 1U << 24;

[[noreturn]] void refuse(const std::string& place, const std::string& text) {
    throw Error(ErrorKind::refused, {.file = printable(place)}, text);
}

std::string text_at(const std::string& block, std::size_t at, std::size_t length) {
    const std::string field = block.substr(at, length);
    return field.substr(0, field.find('\0'));
}

void check_header(const std::string& block) {
    std::string blank = block;
    blank.replace(checksum_at, checksum_bytes, checksum_bytes, ' ');
    std::int64_t plain = 0;
    std::int64_t with_sign = 0;  // as some old ones summed
    for (const char letter : blank) {
        plain += static_cast<unsigned char>(letter);
        with_sign += static_cast<signed char>(letter);
    }
    const std::int64_t stated = tar_number(block, checksum_at, checksum_bytes);
    if (stated == plain || stated == with_sign) return;
    throw Error(ErrorKind::refused, {.file = tar_place},
                "holds no tar, or a damaged one: a header has a wrong checksum",
                "a tar is expected, plain or by gzip, bzip2, xz, lz4 or zstd");
}

std::uint64_t number_of(const std::string& text, const char* what) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end) {
        refuse(tar_place,
               fmt::format("has the {} '{}', which is not a number", what, printable(text)));
    }
    return value;
}

std::uint32_t id_of(std::int64_t value, const char* what) {
    // The largest number of 32 bits means nobody at all.
    constexpr std::int64_t none = 0xffffffff;
    if (value < 0 || value >= none) {
        refuse(tar_place, fmt::format("has the {} {}, which no file system holds", what, value));
    }
    return static_cast<std::uint32_t>(value);
}

}  // namespace

std::int64_t tar_number(const std::string& block, std::size_t at, std::size_t length) {
    const auto first = static_cast<unsigned char>(block[at]);
    constexpr unsigned binary = 0x80;
    if ((first & binary) != 0) {
        // Seven bits of the first byte, and a sign.
        std::uint64_t value = first == 0xff ? ~std::uint64_t{0} : first & 0x7fU;
        for (std::size_t i = 1; i < length; ++i)
            value = (value << 8) | static_cast<unsigned char>(block[at + i]);
        return static_cast<std::int64_t>(value);
    }
    std::string text = text_at(block, at, length);
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    std::int64_t value = 0;
    constexpr int octal = 8;
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value, octal);
    if (text.empty()) return 0;
    if (result.ec != std::errc() || result.ptr != end) {
        refuse(tar_place, "holds no tar, or a damaged one: a header has no number in its place");
    }
    return value;
}

Timestamp pax_time(const std::string& text) {
    const bool before = text.starts_with('-');
    const std::string digits = text.substr(before ? 1 : 0);
    const std::size_t point = std::min(digits.find('.'), digits.size());
    constexpr std::size_t fraction_digits = 9;
    std::string fraction = point < digits.size() ? digits.substr(point + 1) : "";
    fraction.resize(fraction_digits, '0');
    const auto seconds = static_cast<std::int64_t>(number_of(digits.substr(0, point), "time"));
    const auto ns = static_cast<std::uint32_t>(number_of(fraction, "time"));
    constexpr std::uint32_t second_ns = 1'000'000'000;
    if (!before) return {seconds, ns};
    return ns == 0 ? Timestamp{-seconds, 0} : Timestamp{-seconds - 1, second_ns - ns};
}

std::optional<TarMember> TarHeaders::next() {
    Extensions extensions;
    for (;;) {
        const std::string block = stream_.read(block_size);
        const std::string zeros(block_size, '\0');
        if (block == zeros) {
            if (stream_.read(block_size) == zeros) return std::nullopt;
            refuse(tar_place, "has a lone block of zeros in the middle: the tar is damaged");
        }
        check_header(block);
        const char kind = block[156];
        if (take_extension(block, kind, extensions)) continue;
        // The label that GNU tar gives an archive (-V); it has no content.
        if (kind == 'V') continue;
        return make_member(block, kind, extensions);
    }
}

bool TarHeaders::take_extension(const std::string& block, char kind, Extensions& extensions) {
    if (kind != 'x' && kind != 'X' && kind != 'g' && kind != 'L' && kind != 'K') return false;
    const auto size = static_cast<std::uint64_t>(tar_number(block, 124, 12));
    if (size > longest_extension) refuse(tar_place, "has a header of more than 16 MiB");
    std::string text = stream_.read(size);
    stream_.skip(ceil_div(size, block_size) * block_size - size);
    if (kind == 'L' || kind == 'K') {
        text.resize(std::min(text.find('\0'), text.size()));
        (kind == 'L' ? extensions.long_name : extensions.long_link) = text;
    } else if (kind == 'g') {
        std::vector<std::uint64_t> none;
        parse_records(text, global_, none);
    } else {
        parse_records(text, extensions.records, extensions.sparse_numbers);
    }
    return true;
}

// "30 mtime=1700000000.123456789\n": the length counts all of a record.
void TarHeaders::parse_records(const std::string& text, Records& records,
                               std::vector<std::uint64_t>& sparse_numbers) const {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t blank = text.find(' ', at);
        if (blank == std::string::npos) refuse(tar_place, "has a record of pax without a length");
        const std::uint64_t length = number_of(text.substr(at, blank - at), "length");
        const std::size_t equals = text.find('=', blank);
        if (length > text.size() - at || length < 5 || equals >= at + length - 1 ||
            text[at + length - 1] != '\n') {
            refuse(tar_place, "has a record of pax that contradicts its length");
        }
        const std::string key = text.substr(blank + 1, equals - blank - 1);
        const std::string value = text.substr(equals + 1, at + length - 1 - equals - 1);
        if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes") {
            sparse_numbers.push_back(number_of(value, "place"));
        } else {
            records[key] = value;
        }
        at += length;
    }
}

TarMember TarHeaders::make_member(const std::string& block, char kind, Extensions& extensions) {
    Records records = global_;
    for (const auto& [key, value] : extensions.records)
        records[key] = value;
    extensions.records = records;
    const auto record = [&](const char* key) {
        const auto found = records.find(key);
        return found == records.end() ? std::string() : found->second;
    };
    const bool is_posix = block.compare(257, 6, std::string("ustar\0", 6)) == 0;
    TarMember member;
    member.name = text_at(block, name_at, name_bytes);
    const std::string prefix = is_posix ? text_at(block, prefix_at, prefix_bytes) : "";
    if (!prefix.empty()) member.name = prefix + "/" + member.name;
    if (extensions.long_name) member.name = *extensions.long_name;
    if (!record("path").empty()) member.name = record("path");
    if (!record("GNU.sparse.name").empty()) member.name = record("GNU.sparse.name");
    const auto number = [&](const char* key, std::size_t at, std::size_t length) {
        const std::string value = record(key);
        return value.empty() ? tar_number(block, at, length)
                             : static_cast<std::int64_t>(number_of(value, key));
    };
    Entry& entry = member.entry;
    constexpr std::int64_t all_bits = 07777;
    entry.mode = static_cast<mode_t>(tar_number(block, 100, 8) & all_bits);
    entry.uid = id_of(number("uid", 108, 8), "uid");
    entry.gid = id_of(number("gid", 116, 8), "gid");
    const std::int64_t size = number("size", 124, 12);
    if (size < 0) refuse(member.name, "has less than no bytes");
    member.stored_bytes = static_cast<std::uint64_t>(size);
    entry.modified = record("mtime").empty() ? Timestamp{tar_number(block, 136, 12), 0}
                                             : pax_time(record("mtime"));
    entry.accessed = entry.changed = entry.modified;
    set_kind(member, block, kind, extensions);
    set_sparse(member, block, kind, extensions);
    if (!member.is_hard_link) entry.xattrs = pax_xattrs(records);
    return member;
}

void TarHeaders::set_kind(TarMember& member, const std::string& block, char kind,
                          const Extensions& extensions) {
    Entry& entry = member.entry;
    std::string link = text_at(block, link_at, name_bytes);
    if (extensions.long_link) link = *extensions.long_link;
    const auto record = extensions.records.find("linkpath");
    if (record != extensions.records.end() && !record->second.empty()) link = record->second;
    const bool old_directory = kind == '\0' && member.name.ends_with('/');
    switch (old_directory ? '5' : kind) {
        case '\0':
        case '0':
        case '7':
        case 'S':
            entry.mode |= S_IFREG;
            break;
        case '1':
            member.is_hard_link = true;
            member.link_name = link;
            break;
        case '2':
            entry.mode |= S_IFLNK;
            entry.link_target = link;
            break;
        case '3':
        case '4':
            entry.mode |= kind == '3' ? S_IFCHR : S_IFBLK;
            entry.device_major = id_of(tar_number(block, 329, 8), "device");
            entry.device_minor = id_of(tar_number(block, 337, 8), "device");
            break;
        case '5':
        case 'D':
            entry.mode |= S_IFDIR;
            break;
        case '6':
            entry.mode |= S_IFIFO;
            break;
        default:
            refuse(member.name,
                   fmt::format("is of kind '{}', which no tree has", printable({kind})));
    }
    if (entry.is(S_IFREG)) entry.size_bytes = member.stored_bytes;
}

// The forms in which GNU tar has written holes: its own, and three with records of pax.
void TarHeaders::set_sparse(TarMember& member, const std::string& block, char kind,
                            Extensions& extensions) {
    Records& records = extensions.records;
    if (kind == 'S') return read_old_sparse(member, block);
    const auto size = records.contains("GNU.sparse.realsize") ? records.find("GNU.sparse.realsize")
                                                              : records.find("GNU.sparse.size");
    if (size == records.end()) return;
    member.is_sparse = true;
    member.entry.size_bytes = number_of(size->second, "size");
    if (records["GNU.sparse.major"] == "1") return read_sparse_map(member);
    if (records.contains("GNU.sparse.map")) {
        const std::string& map = records["GNU.sparse.map"];
        for (std::size_t at = 0; at < map.size();) {
            const std::size_t end = std::min(map.find(',', at), map.size());
            extensions.sparse_numbers.push_back(number_of(map.substr(at, end - at), "place"));
            at = end + 1;
        }
    }
    read_sparse_numbers(member, extensions.sparse_numbers);
}

void TarHeaders::read_sparse_numbers(TarMember& member, const std::vector<std::uint64_t>& numbers) {
    for (std::size_t i = 0; i + 1 < numbers.size(); i += 2)
        member.ranges.push_back({numbers[i], numbers[i + 1]});
}

void TarHeaders::read_old_sparse(TarMember& member, std::string block) {
    member.is_sparse = true;
    member.entry.size_bytes = static_cast<std::uint64_t>(tar_number(block, 483, 12));
    constexpr std::size_t in_header = 4;
    constexpr std::size_t in_extension = 21;
    std::size_t at = 386;
    std::size_t count = in_header;
    std::size_t more_at = 482;
    for (;;) {
        for (std::size_t i = 0; i < count && block[at + i * 24] != '\0'; ++i) {
            member.ranges.push_back(
                {static_cast<std::uint64_t>(tar_number(block, at + i * 24, 12)),
                 static_cast<std::uint64_t>(tar_number(block, at + i * 24 + 12, 12))});
        }
        if (block[more_at] == '\0') return;
        block = stream_.read(block_size);
        at = 0;
        count = in_extension;
        more_at = 504;
    }
}

// Lines of numbers before the content, padded to a block.
void TarHeaders::read_sparse_map(TarMember& member) {
    std::string text;
    std::size_t used = 0;
    const auto line = [&] {
        for (;;) {
            const std::size_t end = text.find('\n', used);
            if (end != std::string::npos) {
                const std::string taken = text.substr(used, end - used);
                used = end + 1;
                return number_of(taken, "place");
            }
            if (text.size() + block_size > member.stored_bytes) {
                refuse(member.name, "has a map of holes without an end");
            }
            text += stream_.read(block_size);
        }
    };
    const std::uint64_t count = line();
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t i = 0; i < 2 * count; ++i)
        numbers.push_back(line());
    read_sparse_numbers(member, numbers);
    member.stored_bytes -= text.size();
}

}  // namespace insitu::apps
