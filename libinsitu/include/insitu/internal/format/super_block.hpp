// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/units.hpp"

namespace insitu {

inline constexpr std::uint64_t super_magic = 0x106526c206506c09;
inline constexpr std::uint64_t super_version = 1;

// comp_alg of the super block.
enum class Algorithm : std::uint8_t { lzo = 0, deflate = 1 };

// "lzo" or "deflate".
INSITU_API const char* to_string(Algorithm algorithm) noexcept;

// The fields of the super block (docs/format.md §2.1) as they stand on the disk: any value.
struct SuperBlock {
    std::uint64_t magic = super_magic;
    std::uint64_t version = super_version;
    BlockCounts counts;
    std::uint8_t comp_alg = 0;
    friend constexpr bool operator==(const SuperBlock&, const SuperBlock&) = default;
};

// Reads the fields of block 0; every byte from 33 on is ignored, as the driver does.
INSITU_API SuperBlock decode_super_block(std::span<const std::byte, block_bytes> block) noexcept;

// Writes the fields and zeros the rest of the block.
INSITU_API void encode_super_block(const SuperBlock& super,
                                   std::span<std::byte, block_bytes> block) noexcept;

// What is wrong with a super block on a device of a given size; bits of a SuperFaults.
enum class SuperFault : unsigned {
    magic = 1U << 0,              // not an insitu-comp image
    version = 1U << 1,            // not version 1
    algorithm = 1U << 2,          // comp_alg > 1: the driver crashes on it
    counts_differ = 1U << 3,      // the counts are not those of the device's size
    device_unusable = 1U << 4,    // no driver can use a device of this size
    counts_impossible = 1U << 5,  // no positions can be computed from the counts
};

class SuperFaults {
  public:
    void add(SuperFault fault) noexcept { bits_ |= static_cast<unsigned>(fault); }
    bool has(SuperFault fault) const noexcept {
        return (bits_ & static_cast<unsigned>(fault)) != 0;
    }
    bool none() const noexcept { return bits_ == 0; }

  private:
    unsigned bits_ = 0;
};

INSITU_API SuperFaults check_super_block(const SuperBlock& super,
                                         std::uint64_t device_bytes) noexcept;

}  // namespace insitu
