// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <charconv>
#include <sstream>

#include "insitu/error.hpp"
#include "mkfs/acl.hpp"
#include "mkfs/tar_header.hpp"

namespace insitu::apps {

namespace {

[[noreturn]] void refuse_acl(const std::string& text) {
    throw Error(ErrorKind::refused, {.file = tar_place},
                fmt::format("has the access control entry '{}', which makes no sense here",
                            printable(text)),
                "make the tar with --numeric-owner");
}

std::vector<std::string> split(const std::string& text, const char* marks) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find_first_of(marks, at), text.size());
        parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

// A number, or a name that this system knows.
std::uint32_t acl_id(const std::vector<std::string>& fields, bool is_user,
                     const std::string& text) {
    constexpr std::size_t number_field = 3;
    const std::string& name = fields[1];
    const std::string number = fields.size() > number_field ? fields[number_field] : name;
    std::uint32_t id = 0;
    const char* const end = number.data() + number.size();
    const auto result = std::from_chars(number.data(), end, id);
    if (result.ec == std::errc() && result.ptr == end) return id;
    if (is_user) {
        if (const struct passwd* const user = ::getpwnam(name.c_str())) return user->pw_uid;
    } else if (const struct group* const group = ::getgrnam(name.c_str())) {
        return group->gr_gid;
    }
    refuse_acl(text);
}

AclEntry acl_entry(const std::string& text) {
    const std::vector<std::string> fields = split(text, ":");
    const std::string& tag = fields[0];
    const bool is_short = fields.size() == 2 && (tag.starts_with('m') || tag.starts_with('o'));
    if (fields.size() < 3 && !is_short) refuse_acl(text);
    // "mask:rwx" and "other:rwx" are written as well.
    const std::string& letters = fields.size() == 2 ? fields[1] : fields[2];
    const bool named = fields.size() > 2 && !fields[1].empty();
    AclEntry entry;
    if (tag == "user" || tag == "u") {
        entry.tag = named ? 2 : 1;
    } else if (tag == "group" || tag == "g") {
        entry.tag = named ? 8 : 4;
    } else if (tag == "mask" || tag == "m") {
        entry.tag = 16;
    } else if (tag == "other" || tag == "o") {
        entry.tag = 32;
    } else {
        refuse_acl(text);
    }
    if (named) entry.id = acl_id(fields, entry.tag == 2, text);
    if (letters.find_first_not_of("rwx-") != std::string::npos) refuse_acl(text);
    for (const char letter : letters) {
        entry.permissions = static_cast<std::uint16_t>(entry.permissions | (letter == 'r'   ? 4
                                                                            : letter == 'w' ? 2
                                                                            : letter == 'x' ? 1
                                                                                            : 0));
    }
    return entry;
}

// Three entries are no more than what the mode says, unless they are for what is made below.
void add_acl(std::map<std::string, std::string>& xattrs, const std::string& text,
             const std::string& name) {
    std::vector<AclEntry> entries;
    bool is_more = name.ends_with("default");
    for (const std::string& line : split(text, ",\n")) {
        const std::string plain = line.substr(0, line.find_first_of("\t#"));
        if (plain.empty()) continue;
        entries.push_back(acl_entry(plain));
        const std::uint16_t tag = entries.back().tag;
        is_more = is_more || tag == 2 || tag == 8 || tag == 16;
    }
    if (is_more && !entries.empty()) xattrs.emplace(name, acl_xattr(std::move(entries)));
}

std::string decode_base64(const std::string& text) {
    static const std::string digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char letter : text) {
        const std::size_t digit = digits.find(letter);
        if (digit == std::string::npos) break;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<char>(bits >> count));
    }
    return bytes;
}

std::string decode_percents(const std::string& text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        constexpr int hexadecimal = 16;
        const bool coded =
            text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(&text[i + 1], &text[i + 1] + 2, value, hexadecimal).ptr ==
                &text[i + 1] + 2;
        bytes.push_back(coded ? static_cast<char>(value) : text[i]);
        if (coded) i += 2;
    }
    return bytes;
}

}  // namespace

std::map<std::string, std::string> pax_xattrs(const std::map<std::string, std::string>& records) {
    constexpr std::string_view plain = "SCHILY.xattr.";
    constexpr std::string_view coded = "LIBARCHIVE.xattr.";
    std::map<std::string, std::string> xattrs;
    for (const auto& [key, value] : records) {
        if (key.starts_with(plain)) xattrs[key.substr(plain.size())] = value;
    }
    for (const auto& [key, value] : records) {
        if (key.starts_with(coded)) {
            xattrs.emplace(decode_percents(key.substr(coded.size())), decode_base64(value));
        } else if (key == "SCHILY.acl.access") {
            add_acl(xattrs, value, "system.posix_acl_access");
        } else if (key == "SCHILY.acl.default") {
            add_acl(xattrs, value, "system.posix_acl_default");
        } else if (key == "RHT.security.selinux") {
            xattrs.emplace("security.selinux", value + std::string(1, '\0'));
        }
    }
    return xattrs;
}

}  // namespace insitu::apps
