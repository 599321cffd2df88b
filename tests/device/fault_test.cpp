// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cerrno>

#include "device/device_model.hpp"
#include "insitu/error.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

// Each window one extent.
std::unique_ptr<MemoryStore> pack_windows(const std::vector<std::byte>& content) {
    PackOptions options;
    options.extents.blocks = window_blocks;
    return pack_in_memory(content, options);
}

}  // namespace

TEST_CASE("whichever write fails, flushed blocks stay and the error is told") {
    Random random = make_random(3);
    const auto flushed = make_content(random, Content::text, 128 * block_bytes);
    const auto later = make_content(random, Content::mixed, 40 * block_bytes);
    unsigned failed = 0;
    for (std::uint64_t number = 0; number < 60; ++number) {
        const auto store = format_in_memory(256, Algorithm::lzo);
        FaultStore faulty(*store);
        Device device(faulty, {});
        device.write(0, flushed, Device::Durability::fua);
        faulty.fail_writes(number, EIO, number % 3 * sector_bytes);
        bool told = false;
        try {
            device.write(10 * block_bytes, later);
            device.unmap(60 * block_bytes, 3 * block_bytes);
            device.flush();
        } catch (const Error& error) {
            told = true;
            CHECK(error.os_error() == EIO);
        }
        CHECK((device.counters().failed_commits != 0) == told);
        if (told) {
            ++failed;
            // A later flush may not claim what did not happen.
            bool again = false;
            try {
                device.write(100 * block_bytes, later);
                device.flush();
            } catch (const Error&) {
                again = true;
            }
            CHECK(again);
        }
        const auto content = content_of(*store);
        for (std::size_t block = 0; block < 128; ++block) {
            const bool touched =
                (block >= 10 && block < 50) || (block >= 60 && block < 63) || block >= 100;
            if (touched) continue;
            const auto at = static_cast<std::ptrdiff_t>(block * block_bytes);
            CHECK(std::equal(content.begin() + at, content.begin() + at + block_bytes,
                             flushed.begin() + at));
        }
    }
    CHECK(failed > 5);
}

TEST_CASE("a write that cannot read what it patches changes nothing") {
    Random random = make_random(4);
    const auto content = make_content(random, Content::text, 64 * block_bytes);
    const auto store = pack_windows(content);
    FaultStore faulty(*store);
    Device device(faulty, {});
    faulty.fail_reads(device.geometry().block_at_byte({0}), 4096);
    const auto block = make_content(random, Content::text, block_bytes);
    CHECK_THROWS_AS(device.write(4 * block_bytes, block), Error);
    device.write(40 * block_bytes, block);
    faulty.fail_reads(0, 0);
    std::vector<std::byte> got(32 * block_bytes);
    device.read(0, got);
    CHECK(std::equal(got.begin(), got.end(), content.begin()));
    device.close();
    CHECK(find_fault(*store) == "");
}

TEST_CASE("a failed commit of holes can be tried again") {
    const auto store = format_in_memory(128, Algorithm::lzo);
    FaultStore faulty(*store);
    Device device(faulty, {});
    Random random = make_random(5);
    const auto block = make_content(random, Content::text, block_bytes);
    device.write(0, block, Device::Durability::fua);
    device.write(8 * block_bytes, block, Device::Durability::fua);
    device.unmap(8 * block_bytes, block_bytes);
    // The first write of the commit is its redo stream.
    faulty.fail_writes(0, ENOSPC);
    CHECK_THROWS_AS(device.flush(), Error);
    faulty.fail_writes(FaultStore::never, 0);
    device.flush();
    device.close();
    CHECK(find_fault(*store) == "");
}

TEST_CASE("a fault that passes leaves every block as one of the requests that it was given") {
    Random random = make_random(12);
    const auto flushed = make_content(random, Content::text, 128 * block_bytes);
    const auto later = make_content(random, Content::mixed, 24 * block_bytes);
    unsigned failed_requests = 0;
    unsigned failed_devices = 0;
    for (std::uint64_t number = 0; number < 80; ++number) {
        const auto store = format_in_memory(256, Algorithm::lzo);
        FaultStore faulty(*store);
        Device device(faulty, {});
        device.write(0, flushed, Device::Durability::fua);
        std::vector<std::byte> expected = flushed;
        std::vector<bool> unsure(128);
        faulty.fail_writes(faulty.writes() + number, EIO, number % 3 * sector_bytes);
        for (std::uint64_t i = 0; i < 12; ++i) {
            const std::uint64_t first = i * 37 % 104;
            const auto durability =
                i % 4 == 3 ? Device::Durability::fua : Device::Durability::later;
            try {
                device.write(first * block_bytes, later, durability);
                std::copy(later.begin(), later.end(),
                          expected.begin() + static_cast<std::ptrdiff_t>(first * block_bytes));
            } catch (const Error&) {
                ++failed_requests;
                std::fill_n(unsure.begin() + static_cast<std::ptrdiff_t>(first), 24, true);
                faulty.fail_writes(FaultStore::never, 0);
            }
        }
        faulty.fail_writes(FaultStore::never, 0);
        try {
            device.flush();
        } catch (const Error&) {
            // It said that it does not know; the next one must not say otherwise.
            ++failed_devices;
            CHECK_THROWS_AS(device.flush(), Error);
            continue;
        }
        const auto content = content_of(*store);
        for (std::size_t block = 0; block < unsure.size(); ++block) {
            if (unsure[block]) continue;
            const auto at = static_cast<std::ptrdiff_t>(block * block_bytes);
            CHECK(std::equal(content.begin() + at, content.begin() + at + block_bytes,
                             expected.begin() + at));
        }
        device.close();
        CHECK(find_fault(*store) == "");
    }
    CHECK(failed_requests > 20);
    CHECK(failed_devices > 5);
    CHECK(failed_devices < 70);
}

TEST_CASE("whichever write finds the disk full, the device goes on when there is room") {
    Random random = make_random(14);
    const auto flushed = make_content(random, Content::text, 128 * block_bytes);
    const auto later = make_content(random, Content::mixed, 24 * block_bytes);
    const auto meanwhile = make_content(random, Content::text, 2 * block_bytes);
    unsigned failed_flushes = 0;
    unsigned failed_unprotected = 0;
    for (std::uint64_t number = 0; number < 40; ++number) {
        const bool is_full_image = number % 2 == 1;
        // Without holes there is no room for the journal: the commit writes in place at once.
        const auto store =
            is_full_image ? pack_windows(make_content(random, Content::random, 256 * block_bytes))
                          : format_in_memory(256, Algorithm::lzo);
        FaultStore faulty(*store);
        Device device(faulty, {});
        device.write(0, flushed, Device::Durability::fua);
        std::vector<std::byte> expected(256 * block_bytes);
        device.read(0, expected);
        const auto write = [&](std::uint64_t block, const std::vector<std::byte>& content) {
            device.write(block * block_bytes, content);
            std::copy(content.begin(), content.end(),
                      expected.begin() + static_cast<std::ptrdiff_t>(block * block_bytes));
        };
        write(3, later);
        write(50, later);
        write(200, later);
        // The super block and the intents have their place on any disk.
        faulty.spare(block_bytes);
        const int reason = number % 5 == 4 ? EDQUOT : ENOSPC;
        faulty.fail_writes(number / 2, reason, number % 3 * sector_bytes);
        bool is_full = false;
        for (unsigned attempt = 0; attempt < 3; ++attempt) {
            try {
                device.flush();
            } catch (const Error& error) {
                is_full = true;
                CHECK(error.os_error() == reason);
            }
            write(attempt == 0 ? 10 : 51, meanwhile);
            write(27 + 6 * attempt, meanwhile);
            std::vector<std::byte> got(expected.size());
            device.read(0, got);
            CHECK(got == expected);
            // A server that is killed now loses nothing that was flushed.
            if (is_full_image) continue;
            const auto content = content_of(*store);
            for (std::size_t block = 0; block < 128; ++block) {
                if ((block >= 3 && block < 45) || (block >= 50 && block < 74)) continue;
                const auto at = static_cast<std::ptrdiff_t>(block * block_bytes);
                CHECK(std::equal(content.begin() + at, content.begin() + at + block_bytes,
                                 flushed.begin() + at));
            }
        }
        if (is_full) ++(is_full_image ? failed_unprotected : failed_flushes);
        faulty.fail_writes(FaultStore::never, 0);
        device.flush();
        CHECK(device.status().waiting_bytes == 0);
        if (is_full_image) CHECK(device.counters().unprotected_commits != 0);
        std::vector<std::byte> got(expected.size());
        device.read(0, got);
        CHECK(got == expected);
        device.close();
        CHECK(find_fault(*store) == "");
        CHECK(content_of(*store) == expected);
    }
    CHECK(failed_flushes > 5);
    CHECK(failed_unprotected > 5);
}

TEST_CASE("sectors that cannot be read are overwritten by whoever needs not read them") {
    Random random = make_random(13);
    const auto content = make_content(random, Content::text, 64 * block_bytes);
    const auto store = pack_windows(content);
    FaultStore faulty(*store);
    Device device(faulty, {});
    faulty.fail_reads(device.geometry().block_at_byte({0}), 3 * sector_bytes);
    const auto window = make_content(random, Content::text, window_bytes);
    std::vector<std::byte> got(window_bytes);
    CHECK_THROWS_AS(device.read(0, got), Error);
    device.write(0, window, Device::Durability::fua);
    faulty.fail_reads(0, 0);
    device.read(0, got);
    CHECK(got == window);
    device.close();
    CHECK(find_fault(*store) == "");
}
