#include "insitu/format/window_map.hpp"

#include <algorithm>
#include <cstring>

#include "format/little_endian.hpp"

namespace insitu {

namespace {

// Eight entries are 5 bytes on the disk and 8 bytes in a word. The bits move in three halvings, a
// few operations for eight blocks: what keeps a scan of all meta far above the speed of a disk.
constexpr std::size_t octet_bytes = 5;
constexpr unsigned octets = window_meta_bytes / octet_bytes;

std::uint64_t spread_octet(std::uint64_t packed) noexcept {
    packed = (packed & 0xfffffULL) | ((packed & 0xfffff00000ULL) << 12);
    packed = (packed & 0x000003ff000003ffULL) | ((packed & 0x000ffc00000ffc00ULL) << 6);
    return (packed & 0x001f001f001f001fULL) | ((packed & 0x03e003e003e003e0ULL) << 3);
}

std::uint64_t pack_octet(std::uint64_t spread) noexcept {
    spread = (spread & 0x001f001f001f001fULL) | ((spread & 0x1f001f001f001f00ULL) >> 3);
    spread = (spread & 0x000003ff000003ffULL) | ((spread & 0x03ff000003ff0000ULL) >> 6);
    return (spread & 0xfffffULL) | ((spread & 0x000fffff00000000ULL) >> 12);
}

// Bit 0 of each of eight bytes, as eight bits.
std::uint32_t gather(std::uint64_t bytes) noexcept {
    constexpr std::uint64_t lowest = 0x0101010101010101ULL;
    return static_cast<std::uint32_t>(((bytes & lowest) * 0x0102040810204080ULL) >> 56);
}

std::uint64_t load_octet(const std::byte* from) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, from, octet_bytes);
    return swap_to_little(value);
}

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
    std::uint32_t low_bits = 0;
    std::uint32_t eights = 0;
    for (unsigned i = 0; i < octets; ++i) {
        const std::uint64_t entries = spread_octet(load_octet(meta.data() + i * octet_bytes));
        const unsigned at = 8 * i;
        low_bits |= gather(entries | (entries >> 1) | (entries >> 2)) << at;
        eights |= gather(entries >> 3) << at;
        map.tails_ |= gather(entries >> 4) << at;
        const std::uint64_t shares = swap_to_little(entries & 0x0f0f0f0f0f0f0f0fULL);
        std::memcpy(map.shares_.data() + at, &shares, sizeof shares);
    }
    if (blocks < window_blocks) {
        map.tails_ &= block_mask(blocks);
        std::fill(map.shares_.begin() + blocks, map.shares_.end(), std::uint8_t{0});
    }
    map.find_faults(low_bits, eights);
    return map;
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

    std::uint32_t low_bits = 0;
    std::uint32_t eights = 0;
    for (unsigned i = 0; i < window_blocks; ++i) {
        low_bits |= static_cast<std::uint32_t>((shares_[i] & 7) != 0) << i;
        eights |= static_cast<std::uint32_t>(shares_[i] >> 3) << i;
    }
    find_faults(low_bits, eights);
}

}  // namespace insitu
