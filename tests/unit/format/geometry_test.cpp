// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/geometry.hpp"

#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;

namespace {

// The driver's own arithmetic, step by step as its constructor does it, 32-bit step included.
BlockCounts as_the_driver(std::uint64_t device_bytes) {
    std::uint64_t data = device_bytes / 4096 - 1;
    std::uint64_t meta = data / (4096 * 8 + 5);
    const std::uint64_t rest = data % (4096 * 8 + 5);
    data = meta * 4096 * 8;
    meta *= 5;
    const std::uint64_t more = rest / (4096 * 8 / 5 + 1);
    const auto left = static_cast<std::uint32_t>(rest % (4096 * 8 / 5 + 1));
    data += more * (4096 * 8 / 5);
    const std::uint32_t without_its_meta_block = left - 1;
    data += without_its_meta_block;
    meta += more + 1;
    return {meta, data};
}

// What the format page promises for a size that the driver can use.
void check_usable(std::uint64_t device_bytes) {
    const BlockCounts counts = counts_for_device(device_bytes);
    CHECK(counts == as_the_driver(device_bytes));
    CHECK(1 + counts.meta_blocks + counts.data_blocks == device_bytes / 4096);
    CHECK(counts_addressable(counts));
    CHECK(smallest_device_blocks(counts.data_blocks) == device_bytes / 4096);
}

void check_size(std::uint64_t device_bytes) {
    CHECK(driver_counts_for_device(device_bytes) == as_the_driver(device_bytes));
    if (device_bytes / 4096 < 3) {
        CHECK(classify_device(device_bytes) == DeviceFit::too_small);
    } else if (as_the_driver(device_bytes).data_blocks > device_bytes / 4096) {
        CHECK(classify_device(device_bytes) == DeviceFit::driver_overflows);
        const NearestSizes nearest = nearest_usable_sizes(device_bytes);
        REQUIRE(nearest.below_bytes);
        CHECK(classify_device(*nearest.below_bytes) == DeviceFit::usable);
        CHECK(classify_device(nearest.above_bytes) == DeviceFit::usable);
        CHECK(nearest.above_bytes / 4096 - *nearest.below_bytes / 4096 == 2);
    } else {
        CHECK(classify_device(device_bytes) == DeviceFit::usable);
        check_usable(device_bytes);
    }
}

}  // namespace

TEST_CASE("the geometry of 1 to 70000 blocks is the driver's") {
    for (std::uint64_t blocks = 1; blocks <= 70000; ++blocks)
        check_size(blocks * 4096);
}

TEST_CASE("the geometry of random sizes up to 2^52 bytes is the driver's") {
    auto random = test::make_random(1);
    for (int i = 0; i < 100000; ++i) {
        const std::uint64_t bits = 12 + test::below(random, 41);
        check_size(4096 + test::below(random, (std::uint64_t{1} << bits)));
    }
}

TEST_CASE("sizes that no driver can use are known by name") {
    CHECK(classify_device(0) == DeviceFit::too_small);
    CHECK(classify_device(4096) == DeviceFit::too_small);
    CHECK(classify_device(2 * 4096 + 4095) == DeviceFit::too_small);
    CHECK(classify_device(3 * 4096) == DeviceFit::usable);
    CHECK(classify_device(6555 * 4096) == DeviceFit::driver_overflows);
    CHECK(driver_counts_for_device(6555 * 4096).data_blocks == 6552 + (std::uint64_t{1} << 32));
    CHECK(classify_device(std::uint64_t{1} << 62) == DeviceFit::too_large);
}

TEST_CASE("a device that is too small has a nearest size above only") {
    CHECK_FALSE(nearest_usable_sizes(4096).below_bytes);
    CHECK(nearest_usable_sizes(4096).above_bytes == 3 * 4096);
    CHECK(nearest_usable_sizes(6555 * 4096).below_bytes == 6554 * 4096);
    CHECK(nearest_usable_sizes(6555 * 4096).above_bytes == 6556 * 4096);
}

TEST_CASE("each count of data blocks has a device, but for the last of each 32768") {
    for (std::uint64_t blocks = 1; blocks <= 140000; ++blocks) {
        const std::uint64_t device_bytes = smallest_device_blocks(blocks) * 4096;
        const std::uint64_t expected = blocks % 32768 == 32767 ? blocks + 1 : blocks;
        REQUIRE(classify_device(device_bytes) == DeviceFit::usable);
        REQUIRE(counts_for_device(device_bytes).data_blocks == expected);
    }
}

TEST_CASE("no usable device has 32767 data blocks") {
    for (std::uint64_t blocks = 32700; blocks < 32900; ++blocks) {
        if (classify_device(blocks * 4096) != DeviceFit::usable) continue;
        CHECK(counts_for_device(blocks * 4096).data_blocks != 32767);
    }
}

TEST_CASE("counts of a hostile super block give no positions") {
    CHECK_FALSE(counts_addressable({1, 0}));
    CHECK_FALSE(counts_addressable({1, 6554}));  // 32770 bits do not fit a block
    CHECK(counts_addressable({1, 6553}));
    CHECK_FALSE(counts_addressable({~std::uint64_t{0}, 1}));
    CHECK_FALSE(counts_addressable({1, ~std::uint64_t{0}}));
    CHECK_FALSE(counts_addressable({~std::uint64_t{0}, ~std::uint64_t{0}}));
    CHECK_FALSE(counts_addressable({1, (std::uint64_t{1} << 61)}));
}

TEST_CASE("positions follow from the counts") {
    const Geometry geometry({2, 6553});
    CHECK(geometry.device_blocks() == 6556);
    CHECK(geometry.data_at_byte() == 3 * 4096);
    CHECK(geometry.block_at_byte({10}) == 13 * 4096);
    CHECK(geometry.window_count() == 205);
    CHECK(geometry.blocks_in_window({0}) == 32);
    CHECK(geometry.blocks_in_window({204}) == 25);
    CHECK(geometry.window_meta_at_byte({3}) == 4096 + 60);
}
