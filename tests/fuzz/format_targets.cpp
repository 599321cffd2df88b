// SPDX-License-Identifier: GPL-2.0-or-later
// Parsers of the format layer against slow ones that are written from the format page.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "fuzz/targets.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/internal/format/window_map.hpp"

namespace insitu::fuzz {

void super_block(ByteView input) {
    std::array<std::byte, block_bytes> block{};
    std::copy_n(input.begin(), std::min(input.size(), block.size()), block.begin());
    const SuperBlock super = decode_super_block(block);
    std::array<std::byte, block_bytes> again{};
    encode_super_block(super, again);
    constexpr std::size_t fields_bytes = 33;
    FUZZ_REQUIRE(std::equal(block.begin(), block.begin() + fields_bytes, again.begin()));
    std::uint64_t size_bytes = 0;
    std::memcpy(&size_bytes, block.data() + fields_bytes, sizeof size_bytes);
    const SuperFaults faults = check_super_block(super, size_bytes);
    if (!counts_addressable(super.counts)) {
        FUZZ_REQUIRE(!faults.none());
        return;
    }
    const Geometry geometry(super.counts);
    FUZZ_REQUIRE(geometry.window_count() > 0);
    const WindowIndex last{geometry.window_count() - 1};
    FUZZ_REQUIRE(first_block_of(last).value + geometry.blocks_in_window(last) ==
                 geometry.data_blocks());
    FUZZ_REQUIRE(geometry.data_at_byte() + geometry.logical_bytes() == geometry.device_bytes());
    if (faults.none()) FUZZ_REQUIRE(geometry.device_bytes() <= size_bytes);
}

void window_map(ByteView input) {
    if (input.size() < 1 + window_meta_bytes) return;
    const unsigned blocks = 1 + static_cast<unsigned>(input[0]) % window_blocks;
    const auto meta = input.subspan(1).first<window_meta_bytes>();
    const auto entry = [&](unsigned block) {
        unsigned value = 0;
        for (unsigned i = 0; i < 5; ++i) {
            const unsigned bit = 5 * block + i;
            value |= (static_cast<unsigned>(meta[bit / 8] >> (bit % 8)) & 1U) << i;
        }
        return value;
    };
    const WindowMap map = WindowMap::decode(meta, blocks);
    unsigned next = map.leading_tails();
    for (const Extent extent : map.extents()) {
        FUZZ_REQUIRE(extent.first == next);
        unsigned sectors = 0;
        bool sound = true;
        bool packed = true;
        for (unsigned i = 0; i < extent.blocks; ++i) {
            const unsigned value = entry(extent.first + i);
            const unsigned share = value & 15;
            FUZZ_REQUIRE(map.share(extent.first + i) == share);
            FUZZ_REQUIRE(((value >> 4) != 0) == (i != 0));
            sound = sound && share <= sectors_per_block && (packed || share == 0);
            packed = packed && share == sectors_per_block;
            sectors += share;
        }
        sound = sound && (extent.blocks == 1 || (entry(extent.first) & 15) != 0);
        FUZZ_REQUIRE(map.extent_sound(extent) == sound);
        FUZZ_REQUIRE(extent.payload_sectors == sectors);
        next = extent.first + extent.blocks;
    }
    FUZZ_REQUIRE(next == blocks);
    std::array<std::byte, window_meta_bytes> again{};
    map.encode(again);
    FUZZ_REQUIRE(WindowMap::decode(again, blocks) == map);
}

void payload(ByteView input) {
    const std::size_t sectors = input.size() / sector_bytes;
    if (sectors == 0 || sectors > window_blocks * sectors_per_block) return;
    const std::uint32_t length = unsafe_stream_length(input.first(sectors * sector_bytes));
    if (!stream_readable(length, sectors)) {
        FUZZ_REQUIRE(!stream_fits(length, sectors));
        return;
    }
    FUZZ_REQUIRE(length + length_word_bytes <= sectors * sector_bytes);
    if (!stream_fits(length, sectors)) return;
    std::vector<std::byte> framed(
        input.begin(), input.begin() + static_cast<std::ptrdiff_t>(sectors * sector_bytes));
    frame_payload(framed, length);
    FUZZ_REQUIRE(unsafe_stream_length(framed) == length);
    FUZZ_REQUIRE(std::equal(framed.begin(), framed.begin() + length, input.begin()));
}

}  // namespace insitu::fuzz
