// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/store.hpp"

namespace insitu {

// A hash of the size, the super block and the meta area of a store: what tells one image, and one
// state of it, from another. Reads no data block; skips holes. Blocks that are cut off count as
// zeros.
std::uint64_t image_fingerprint(const Store& store);
// Where the bytes end that it is made of, in a store of this size.
std::uint64_t fingerprint_end(std::uint64_t size_bytes) noexcept;

// Some blocks of the data area, the same ones for each store of a size: images whose meta is lost
// are told apart by them. Blocks that cannot be read count as zeros.
class DataSample {
  public:
    explicit DataSample(std::uint64_t size_bytes);
    void read(const Store& store);

    std::size_t count() const noexcept { return places_.size(); }
    std::uint64_t at_byte(std::size_t i) const noexcept { return places_[i]; }
    ByteSpan block(std::size_t i) noexcept {
        return blocks_.span().subspan(i * block_bytes, block_bytes);
    }
    // Never 0.
    std::uint64_t hash() const noexcept;

  private:
    std::vector<std::uint64_t> places_;
    AlignedBuffer blocks_;
};

std::uint64_t data_sample(const Store& store);

}  // namespace insitu
