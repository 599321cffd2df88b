// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/store.hpp"

namespace insitu {

// Writes byte ranges of any position and length to a store that takes whole sectors only: reads
// the block around, changes it, writes it once for all changes that follow each other in it.
class PatchWriter {
  public:
    explicit PatchWriter(Store& store) : store_(store), block_(block_bytes) {}

    void write(std::uint64_t at_byte, ByteView bytes);
    // Writes what is still held back.
    void flush();

  private:
    void load(std::uint64_t block);

    Store& store_;
    AlignedBuffer block_;
    std::optional<std::uint64_t> loaded_;
    std::size_t length_ = 0;
};

}  // namespace insitu
