// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/super_block.hpp"

#include <cstddef>
#include <cstring>

#include "format/little_endian.hpp"

namespace insitu {

namespace {

struct DiskSuperBlock {
    LittleEndian<std::uint64_t> magic;
    LittleEndian<std::uint64_t> version;
    LittleEndian<std::uint64_t> meta_blocks;
    LittleEndian<std::uint64_t> data_blocks;
    LittleEndian<std::uint8_t> comp_alg;
};
static_assert(offsetof(DiskSuperBlock, magic) == 0);
static_assert(offsetof(DiskSuperBlock, version) == 8);
static_assert(offsetof(DiskSuperBlock, meta_blocks) == 16);
static_assert(offsetof(DiskSuperBlock, data_blocks) == 24);
static_assert(offsetof(DiskSuperBlock, comp_alg) == 32);
static_assert(sizeof(DiskSuperBlock) == 33);

}  // namespace

const char* to_string(Algorithm algorithm) noexcept {
    return algorithm == Algorithm::lzo ? "lzo" : "deflate";
}

SuperBlock decode_super_block(std::span<const std::byte, block_bytes> block) noexcept {
    DiskSuperBlock disk;
    std::memcpy(&disk, block.data(), sizeof disk);
    return {disk.magic.get(),
            disk.version.get(),
            {disk.meta_blocks.get(), disk.data_blocks.get()},
            disk.comp_alg.get()};
}

void encode_super_block(const SuperBlock& super, std::span<std::byte, block_bytes> block) noexcept {
    DiskSuperBlock disk;
    disk.magic.set(super.magic);
    disk.version.set(super.version);
    disk.meta_blocks.set(super.counts.meta_blocks);
    disk.data_blocks.set(super.counts.data_blocks);
    disk.comp_alg.set(super.comp_alg);
    std::memset(block.data(), 0, block.size());
    std::memcpy(block.data(), &disk, sizeof disk);
}

SuperFaults check_super_block(const SuperBlock& super, std::uint64_t device_bytes) noexcept {
    SuperFaults faults;
    if (super.magic != super_magic) faults.add(SuperFault::magic);
    if (super.version != super_version) faults.add(SuperFault::version);
    if (super.comp_alg > 1) faults.add(SuperFault::algorithm);
    if (!counts_addressable(super.counts)) faults.add(SuperFault::counts_impossible);
    if (super.counts != counts_for_device(device_bytes)) faults.add(SuperFault::counts_differ);
    if (classify_device(device_bytes) != DeviceFit::usable) {
        faults.add(SuperFault::device_unusable);
    }
    return faults;
}

}  // namespace insitu
