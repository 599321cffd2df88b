// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/identity.hpp"

#include <cstring>
#include <vector>

#include "support/catch.hpp"

using namespace insitu;

namespace {

using Sector = std::array<std::byte, sector_bytes>;

Identity example() {
    return {*parse_uuid("f81d4fae-7dec-81d0-a765-00a0c91e6bf6"), "r\xc3\xb6\xc3\xb6t"};
}

}  // namespace

TEST_CASE("an identity stands where the format says") {
    Sector sector;
    sector.fill(std::byte{0xcc});
    encode_identity(example(), sector);
    CHECK(std::memcmp(sector.data(), "INSITUID\1\0\0\0\0\0\0\0\xf8\x1d\x4f\xae", 20) == 0);
    CHECK(std::memcmp(sector.data() + 32, "r\xc3\xb6\xc3\xb6t\0", 7) == 0);
    for (std::size_t i = 38; i < 504; ++i)
        CHECK(sector[i] == std::byte{0});
    CHECK(decode_identity(sector) == example());
    CHECK(identity_at_byte == 3584);
}

TEST_CASE("any byte that differs makes it none") {
    Sector sector;
    encode_identity(example(), sector);
    for (std::size_t i = 0; i < sector.size(); ++i) {
        Sector other = sector;
        other[i] ^= std::byte{4};
        CHECK_FALSE(decode_identity(other));
    }
    CHECK_FALSE(decode_identity(Sector{}));
}

TEST_CASE("UUIDs are read with hyphens and without, and written with") {
    CHECK(to_string(example().uuid) == "f81d4fae-7dec-81d0-a765-00a0c91e6bf6");
    CHECK(parse_uuid("F81D4FAE7DEC81D0A76500A0C91E6BF6") == example().uuid);
    for (const char* text :
         {"", "f81d4fae", "f81d4fae-7dec-81d0-a765-00a0c91e6bf",
          "f81d4fae07dec-81d0-a765-00a0c91e6bf6", "f81d4fae-7dec-81d0-a765-00a0c91e6bfg",
          "-f81d4fae7dec-81d0-a765-00a0c91e6bf6"}) {
        CHECK_FALSE(parse_uuid(text));
    }
    const Uuid zeros{};
    CHECK(to_string(make_uuid(zeros, UuidKind::random)) == "00000000-0000-4000-8000-000000000000");
    CHECK(to_string(make_uuid(zeros, UuidKind::digest)) == "00000000-0000-8000-8000-000000000000");
}

TEST_CASE("a label is UTF-8 of at most 64 bytes without control characters") {
    CHECK(valid_label(""));
    CHECK(valid_label("root fs"));
    CHECK(valid_label("\xe2\x82\xac \xf0\x9f\x92\xbe"));
    CHECK(valid_label(std::string(64, 'x')));
    CHECK_FALSE(valid_label(std::string(65, 'x')));
    for (const char* text : {"a\nb", "\x7f", "\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80",
                             "\xf5\x80\x80\x80", "\xe2\x82", "\xc2\x85"}) {
        CHECK_FALSE(valid_label(text));
    }
    // A label of 64 bytes has no zero behind it.
    Sector sector;
    const Identity full{example().uuid, std::string(64, 'y')};
    encode_identity(full, sector);
    CHECK(decode_identity(sector) == full);
}
