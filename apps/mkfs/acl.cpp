// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/acl.hpp"

#include <algorithm>

namespace insitu::apps {

namespace {

void append_little(std::string& text, std::uint32_t value, int bytes) {
    constexpr int byte_bits = 8;
    for (int i = 0; i < bytes; ++i)
        text.push_back(static_cast<char>((value >> (byte_bits * i)) & 0xffU));
}

}  // namespace

std::string acl_xattr(std::vector<AclEntry> entries) {
    std::sort(entries.begin(), entries.end(), [](const AclEntry& a, const AclEntry& b) {
        return a.tag != b.tag ? a.tag < b.tag : a.id < b.id;
    });
    constexpr std::uint32_t version = 2;
    std::string value;
    append_little(value, version, 4);
    for (const AclEntry& entry : entries) {
        append_little(value, entry.tag, 2);
        append_little(value, entry.permissions, 2);
        append_little(value, entry.id, 4);
    }
    return value;
}

std::string normal_acl(std::string xattr) {
    constexpr std::size_t header_bytes = 4;
    constexpr std::size_t entry_bytes = 8;
    constexpr char user = 2;
    constexpr char group = 8;
    for (std::size_t at = header_bytes; at + entry_bytes <= xattr.size(); at += entry_bytes) {
        if (xattr[at] != user && xattr[at] != group) xattr.replace(at + 4, 4, 4, '\xff');
    }
    return xattr;
}

}  // namespace insitu::apps
