// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/acl.hpp"

#include <algorithm>

#include "mkfs/image_bytes.hpp"

namespace insitu::apps {

namespace {

constexpr std::size_t header_bytes = 4;
constexpr std::size_t entry_bytes = 8;
constexpr std::size_t xfs_entry_bytes = 12;

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
    constexpr char user = 2;
    constexpr char group = 8;
    for (std::size_t at = header_bytes; at + entry_bytes <= xattr.size(); at += entry_bytes) {
        if (xattr[at] != user && xattr[at] != group) xattr.replace(at + 4, 4, 4, '\xff');
    }
    return xattr;
}

std::string xfs_acl(const std::string& xattr) {
    const std::string normal = normal_acl(xattr);
    if (normal.size() < header_bytes || (normal.size() - header_bytes) % entry_bytes != 0) {
        bad_image("an access control list has a length that none has");
    }
    const std::size_t count = (normal.size() - header_bytes) / entry_bytes;
    std::string acl(header_bytes + count * xfs_entry_bytes, '\0');
    put_big(acl, 0, 4, count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t from = header_bytes + i * entry_bytes;
        const std::size_t to = header_bytes + i * xfs_entry_bytes;
        put_big(acl, to, 4, little(normal, from, 2));
        put_big(acl, to + 4, 4, little(normal, from + 4, 4));
        put_big(acl, to + 8, 2, little(normal, from + 2, 2));
    }
    return acl;
}

std::string acl_of_xfs(const std::string& acl) {
    std::vector<AclEntry> entries(big(acl, 0, 4) & 0xffffU);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::size_t at = header_bytes + i * xfs_entry_bytes;
        entries[i].tag = static_cast<std::uint16_t>(big(acl, at, 4));
        entries[i].id = static_cast<std::uint32_t>(big(acl, at + 4, 4));
        entries[i].permissions = static_cast<std::uint16_t>(big(acl, at + 8, 2));
    }
    return acl_xattr(std::move(entries));
}

}  // namespace insitu::apps
