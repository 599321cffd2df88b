// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/identity.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "format/little_endian.hpp"
#include "insitu/internal/format/random_bytes.hpp"

namespace insitu {

namespace {

constexpr char identity_magic[] = "INSITUID";
constexpr std::size_t identity_magic_bytes = 8;
constexpr std::uint32_t identity_version = 1;

struct DiskIdentity {
    char magic[identity_magic_bytes];
    LittleEndian<std::uint32_t> version;
    LittleEndian<std::uint32_t> flags;
    std::byte uuid[sizeof(Uuid)];
    char label[label_bytes];
    std::byte unused[sector_bytes - 104];
    LittleEndian<std::uint64_t> hash;  // XXH3 of the bytes before
};
static_assert(offsetof(DiskIdentity, uuid) == 16);
static_assert(offsetof(DiskIdentity, label) == 32);
static_assert(offsetof(DiskIdentity, hash) == 504);
static_assert(sizeof(DiskIdentity) == sector_bytes);

std::uint64_t hash_of(const DiskIdentity& disk) noexcept {
    return XXH3_64bits(&disk, offsetof(DiskIdentity, hash));
}

int hex_value(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

constexpr bool hyphen_before(std::size_t byte) noexcept {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

// The length of the character at the start of `text`; 0: it is no UTF-8, or a control character.
std::size_t character_bytes(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = at(0);
    if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    std::uint32_t code = first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((at(i) & 0xc0U) != 0x80) return 0;
        code = code << 6 | (at(i) & 0x3fU);
    }
    const std::uint32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0xa0;
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    return code >= least && code <= 0x10ffff && !surrogate ? length : 0;
}

}  // namespace

std::string to_string(const Uuid& uuid) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        if (hyphen_before(i)) text += '-';
        const auto value = std::to_integer<unsigned>(uuid[i]);
        text += digits[value >> 4];
        text += digits[value & 15U];
    }
    return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) noexcept {
    constexpr std::size_t plain_length = 32;
    const bool hyphens = text.size() == plain_length + 4;
    if (!hyphens && text.size() != plain_length) return std::nullopt;
    Uuid uuid;
    std::size_t at = 0;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        if (hyphens && hyphen_before(i) && text[at++] != '-') return std::nullopt;
        const int high = hex_value(text[at]);
        const int low = hex_value(text[at + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        uuid[i] = std::byte{static_cast<unsigned char>(high << 4 | low)};
        at += 2;
    }
    return uuid;
}

Uuid make_uuid(Uuid bytes, UuidKind kind) noexcept {
    const std::byte version{kind == UuidKind::random ? std::uint8_t{0x40} : std::uint8_t{0x80}};
    bytes[6] = (bytes[6] & std::byte{0x0f}) | version;
    bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
    return bytes;
}

bool valid_label(std::string_view label) noexcept {
    if (label.size() > label_bytes) return false;
    while (!label.empty()) {
        const std::size_t length = character_bytes(label);
        if (length == 0) return false;
        label.remove_prefix(length);
    }
    return true;
}

std::optional<Identity> decode_identity(std::span<const std::byte, sector_bytes> sector) {
    DiskIdentity disk;
    std::memcpy(&disk, sector.data(), sizeof disk);
    if (std::memcmp(disk.magic, identity_magic, identity_magic_bytes) != 0) return std::nullopt;
    if (disk.hash.get() != hash_of(disk)) return std::nullopt;
    if (disk.version.get() != identity_version || disk.flags.get() != 0) return std::nullopt;
    Identity identity;
    std::memcpy(identity.uuid.data(), disk.uuid, sizeof disk.uuid);
    const char* const end = std::find(disk.label, disk.label + label_bytes, '\0');
    identity.label.assign(static_cast<const char*>(disk.label), end);
    // What a later version may put there is not for this one to drop.
    const bool padded = std::all_of(end, static_cast<const char*>(disk.label) + label_bytes,
                                    [](char letter) { return letter == '\0'; }) &&
                        std::all_of(std::begin(disk.unused), std::end(disk.unused),
                                    [](std::byte byte) { return byte == std::byte{0}; });
    if (!padded || !valid_label(identity.label)) return std::nullopt;
    return identity;
}

void encode_identity(const Identity& identity, std::span<std::byte, sector_bytes> sector) noexcept {
    DiskIdentity disk{};
    std::memcpy(disk.magic, identity_magic, identity_magic_bytes);
    disk.version.set(identity_version);
    disk.flags.set(0);
    std::memcpy(disk.uuid, identity.uuid.data(), sizeof disk.uuid);
    std::memcpy(disk.label, identity.label.data(), std::min(identity.label.size(), label_bytes));
    disk.hash.set(hash_of(disk));
    std::memcpy(sector.data(), &disk, sizeof disk);
}

Uuid random_uuid() {
    Uuid bytes;
    fill_random(bytes);
    return make_uuid(bytes, UuidKind::random);
}

}  // namespace insitu
