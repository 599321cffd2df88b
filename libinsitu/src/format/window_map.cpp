// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/window_map.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstring>

#include "format/little_endian.hpp"

namespace insitu {

namespace {

// Eight entries are 5 bytes on the disk and 8 bytes in a word. The bits move in three halvings, for
// sixteen blocks at once: what keeps a scan of all meta far above the speed of a disk.
constexpr std::size_t octet_bytes = 5;
constexpr unsigned octets = window_meta_bytes / octet_bytes;

using OctetPair = std::uint64_t __attribute__((vector_size(16)));
constexpr unsigned pair_blocks = 16;
constexpr unsigned pairs = window_blocks / pair_blocks;

OctetPair spread(OctetPair packed) noexcept {
    packed = (packed & 0xfffffULL) | ((packed & 0xfffff00000ULL) << 12);
    packed = (packed & 0x000003ff000003ffULL) | ((packed & 0x000ffc00000ffc00ULL) << 6);
    return (packed & 0x001f001f001f001fULL) | ((packed & 0x03e003e003e003e0ULL) << 3);
}

std::uint64_t pack_octet(std::uint64_t spread) noexcept {
    spread = (spread & 0x001f001f001f001fULL) | ((spread & 0x1f001f001f001f00ULL) >> 3);
    spread = (spread & 0x000003ff000003ffULL) | ((spread & 0x03ff000003ff0000ULL) >> 6);
    return (spread & 0xfffffULL) | ((spread & 0x000fffff00000000ULL) >> 12);
}

// The highest bit of each of sixteen bytes, as sixteen bits.
std::uint32_t highest_bits(OctetPair bytes) noexcept {
#ifdef __SSE2__
    return static_cast<std::uint32_t>(_mm_movemask_epi8(reinterpret_cast<__m128i>(bytes)));
#else
    const auto gather = [](std::uint64_t octet) {
        constexpr std::uint64_t lowest = 0x0101010101010101ULL;
        return static_cast<std::uint32_t>(((octet >> 7 & lowest) * 0x0102040810204080ULL) >> 56);
    };
    return gather(bytes[0]) | gather(bytes[1]) << 8;
#endif
}

// A bit for each of sixteen bytes in memory that is all ones; the others are zero.
std::uint32_t equal_bytes(OctetPair mask) noexcept {
    const OctetPair ordered{swap_to_little(std::uint64_t{mask[0]}),
                            swap_to_little(std::uint64_t{mask[1]})};
    return highest_bits(ordered);
}

template <class Integer>
Integer load(const std::byte* from) noexcept {
    Integer value;
    std::memcpy(&value, from, sizeof value);
    return swap_to_little(value);
}

// The entries of a window, a byte each, from three loads.
std::array<OctetPair, pairs> load_entries(
    std::span<const std::byte, window_meta_bytes> meta) noexcept {
    constexpr std::uint64_t octet_mask = (std::uint64_t{1} << 8 * octet_bytes) - 1;
    const auto low = load<std::uint64_t>(meta.data());
    const auto middle = load<std::uint64_t>(meta.data() + 8);
    const std::uint64_t high = load<std::uint32_t>(meta.data() + 16);
    return {spread(OctetPair{low & octet_mask, (low >> 40 | middle << 24) & octet_mask}),
            spread(OctetPair{middle >> 16 & octet_mask, middle >> 56 | high << 8})};
}

// A bit for each block whose share has one of its lower three bits, and whose share is 8 or more.
struct ShareBits {
    std::uint32_t low = 0;
    std::uint32_t eights = 0;

    // Sixteen entries or shares, from a block on.
    void add(OctetPair entries, unsigned block) noexcept {
        low |= highest_bits((entries | entries >> 1 | entries >> 2) << 7) << block;
        eights |= highest_bits(entries << 4) << block;
    }
};

}  // namespace

WindowMap::WindowMap(unsigned blocks) noexcept : blocks_(blocks) {}

unsigned WindowMap::sum_of_shares(unsigned first, unsigned count) const noexcept {
    unsigned sum = 0;
    for (unsigned i = 0; i < count; ++i)
        sum += shares_[first + i];
    return sum;
}

void WindowMap::find_faults(std::uint32_t low_bits, std::uint32_t eights) noexcept {
    const std::uint32_t valid = block_mask(blocks_);
    low_bits &= valid;
    eights &= valid;
    const std::uint32_t stored = low_bits | eights;
    full_ = eights & ~low_bits;
    bad_shares_ = eights & low_bits;
    const auto leading = static_cast<unsigned>(std::countr_one(tails_));
    const std::uint32_t judged = tails_ & ~block_mask(leading);
    unpacked_ = judged & stored & ~(full_ << 1);
    empty_heads_ = ~tails_ & ~stored & (tails_ >> 1) & valid;
}

WindowMap WindowMap::decode(std::span<const std::byte, window_meta_bytes> meta,
                            unsigned blocks) noexcept {
    WindowMap map(blocks);
    ShareBits bits;
    const auto all = load_entries(meta);
    for (unsigned i = 0, at = 0; i < pairs; ++i, at += pair_blocks) {
        const OctetPair entries = all[i];
        bits.add(entries, at);
        map.tails_ |= highest_bits(entries << 3) << at;
        const OctetPair shares = entries & 0x0f0f0f0f0f0f0f0fULL;
        const std::array<std::uint64_t, 2> bytes{swap_to_little(std::uint64_t{shares[0]}),
                                                 swap_to_little(std::uint64_t{shares[1]})};
        std::memcpy(map.shares_.data() + at, bytes.data(), sizeof bytes);
    }
    if (blocks < window_blocks) {
        map.tails_ &= block_mask(blocks);
        std::fill(map.shares_.begin() + blocks, map.shares_.end(), std::uint8_t{0});
    }
    map.find_faults(bits.low, bits.eights);
    return map;
}

std::array<unsigned, sectors_per_block + 1> WindowMap::count_shares(
    std::uint32_t blocks) const noexcept {
    using Bytes = std::int8_t __attribute__((vector_size(16)));
    std::array<Bytes, pairs> shares;
    std::memcpy(shares.data(), shares_.data(), sizeof shares);
    std::array<unsigned, sectors_per_block + 1> counts{};
    for (unsigned value = 0; value <= sectors_per_block; ++value) {
        std::uint32_t equal = 0;
        for (unsigned i = 0; i < pairs; ++i) {
            const auto mask = shares[i] == static_cast<std::int8_t>(value);
            equal |= equal_bytes(reinterpret_cast<OctetPair>(mask)) << (i * pair_blocks);
        }
        counts[value] = static_cast<unsigned>(std::popcount(equal & blocks));
    }
    return counts;
}

void WindowMap::encode(std::span<std::byte, window_meta_bytes> meta) const noexcept {
    for (unsigned i = 0; i < octets; ++i) {
        std::uint64_t entries = 0;
        for (unsigned j = 0; j < 8; ++j) {
            const unsigned block = 8 * i + j;
            const std::uint64_t entry = shares_[block] | (is_tail(block) ? 0x10U : 0U);
            entries |= entry << (8 * j);
        }
        const std::uint64_t packed = swap_to_little(pack_octet(entries));
        std::memcpy(meta.data() + i * octet_bytes, &packed, octet_bytes);
    }
}

void WindowMap::set_extent(Extent extent) noexcept {
    const std::uint32_t mask = block_mask(extent.blocks) << extent.first;
    unsigned left = extent.payload_sectors;
    for (unsigned i = 0; i < extent.blocks; ++i) {
        const unsigned share = std::min(left, sectors_per_block);
        shares_[extent.first + i] = static_cast<std::uint8_t>(share);
        left -= share;
    }
    tails_ &= ~mask;
    if (extent.payload_sectors != 0) tails_ |= mask & ~(std::uint32_t{1} << extent.first);

    ShareBits bits;
    const auto* const shares = reinterpret_cast<const std::byte*>(shares_.data());
    for (unsigned at = 0; at < window_blocks; at += pair_blocks) {
        bits.add(OctetPair{load<std::uint64_t>(shares + at), load<std::uint64_t>(shares + at + 8)},
                 at);
    }
    find_faults(bits.low, bits.eights);
}

}  // namespace insitu
