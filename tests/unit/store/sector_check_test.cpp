// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/sector_check.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

using namespace insitu;

namespace {

// Content of zeros with a few bytes in it.
class Disk {
  public:
    explicit Disk(std::uint64_t size_bytes) : size_bytes_(size_bytes) {}

    Disk& put(std::uint64_t at_byte, std::string_view bytes) {
        if (at_byte + bytes.size() > bytes_.size()) bytes_.resize(at_byte + bytes.size());
        std::transform(bytes.begin(), bytes.end(),
                       bytes_.begin() + static_cast<std::ptrdiff_t>(at_byte),
                       [](char c) { return static_cast<std::byte>(c); });
        return *this;
    }

    std::optional<SmallSectors> look() const {
        return find_small_sectors(size_bytes_, [this](std::uint64_t at_byte, ByteSpan output) {
            REQUIRE(at_byte + output.size() <= size_bytes_);
            std::fill(output.begin(), output.end(), std::byte{0});
            for (std::size_t i = 0; i < output.size() && at_byte + i < bytes_.size(); ++i) {
                output[i] = bytes_[at_byte + i];
            }
        });
    }
    std::uint64_t unit_bytes() const {
        const auto found = look();
        return found ? found->unit_bytes : 0;
    }

  private:
    std::uint64_t size_bytes_;
    std::vector<std::byte> bytes_;
};

using namespace std::string_view_literals;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

// One entry of a DOS table: from sector `start` on, `count` sectors; both below 65536.
std::string dos_entry(unsigned start, unsigned count) {
    std::string entry(16, '\0');
    entry[4] = '\x83';
    entry[8] = static_cast<char>(start & 0xffU);
    entry[9] = static_cast<char>(start >> 8U);
    entry[12] = static_cast<char>(count & 0xffU);
    entry[13] = static_cast<char>(count >> 8U);
    return entry;
}

}  // namespace

TEST_CASE("a GPT is found by the place of its header") {
    CHECK(Disk(mebibyte).put(512, "EFI PART"sv).unit_bytes() == 512);
    CHECK(Disk(mebibyte).put(4096, "EFI PART"sv).unit_bytes() == 0);
}

TEST_CASE("a DOS table whose partitions fit the disk in units of 4096 bytes is left alone") {
    const auto disk = [](unsigned start, unsigned count) {
        return Disk(64 * mebibyte).put(446, dos_entry(start, count)).put(510, "\x55\xaa"sv);
    };
    CHECK(disk(2048, 60000).unit_bytes() == 512);
    CHECK(disk(256, 16129).unit_bytes() == 512);
    CHECK(disk(256, 16128).unit_bytes() == 0);
    CHECK(disk(0, 0).unit_bytes() == 0);
    CHECK(disk(2048, 60000).put(446, "E"sv).unit_bytes() == 0);  // code, no table
}

TEST_CASE("file systems are asked for their own unit") {
    const auto ext = [](char log) {
        return Disk(mebibyte).put(1080, "\x53\xef"sv).put(1048, std::string_view(&log, 1));
    };
    CHECK(ext(0).unit_bytes() == 1024);
    CHECK(ext(1).unit_bytes() == 2048);
    CHECK(ext(2).unit_bytes() == 0);
    CHECK(ext(99).unit_bytes() == 0);
    CHECK(Disk(mebibyte).put(0, "XFSB"sv).put(102, "\x02\x00"sv).unit_bytes() == 512);
    CHECK(Disk(mebibyte).put(0, "XFSB"sv).put(102, "\x10\x00"sv).unit_bytes() == 0);
    const auto fat = [](std::string_view sector) {
        return Disk(mebibyte).put(11, sector).put(54, "FAT16"sv).put(510, "\x55\xaa"sv);
    };
    CHECK(fat("\x00\x02"sv).unit_bytes() == 512);
    CHECK(fat("\x00\x10"sv).unit_bytes() == 0);
    CHECK(fat("\x00\x00"sv).unit_bytes() == 0);
    CHECK(Disk(mebibyte).put(3, "EXFAT   "sv).put(108, "\x09"sv).unit_bytes() == 512);
    CHECK(Disk(mebibyte).put(3, "EXFAT   "sv).put(108, "\x0c"sv).unit_bytes() == 0);
    CHECK(Disk(mebibyte).put(3, "EXFAT   "sv).put(108, "\xff"sv).unit_bytes() == 0);
    CHECK(Disk(mebibyte).put(32769, "CD001"sv).put(32896, "\x00\x08"sv).unit_bytes() == 2048);
    CHECK(Disk(mebibyte).put(1024, "\xe2\xe1\xf5\xe0\0\0\0\0\0\0\0\0\x09"sv).unit_bytes() == 512);
}

TEST_CASE("content that is shorter than what is looked at is no mistake") {
    for (const std::uint64_t size : {0U, 1U, 511U, 512U, 1023U, 36863U}) {
        CHECK_FALSE(Disk(size).look());
    }
}
