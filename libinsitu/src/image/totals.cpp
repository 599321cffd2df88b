// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/totals.hpp"

namespace insitu {

void ExtentTotals::add(std::uint64_t blocks, std::uint64_t sectors, std::uint64_t times) noexcept {
    mapped_blocks += times * blocks;
    payload_sectors += times * sectors;
    (sectors == sectors_per_block * blocks ? raw_extents : compressed_extents) += times;
    host_blocks += times * ceil_div(sectors, sectors_per_block);
    single_read_sectors += times * blocks * sectors;
}

ExtentTotals& ExtentTotals::operator+=(const ExtentTotals& other) noexcept {
    mapped_blocks += other.mapped_blocks;
    payload_sectors += other.payload_sectors;
    compressed_extents += other.compressed_extents;
    raw_extents += other.raw_extents;
    host_blocks += other.host_blocks;
    single_read_sectors += other.single_read_sectors;
    return *this;
}

double ExtentTotals::mean_read_bytes() const noexcept {
    if (mapped_blocks == 0) return 0;
    return static_cast<double>(single_read_sectors) * static_cast<double>(sector_bytes) /
           static_cast<double>(mapped_blocks);
}

}  // namespace insitu
