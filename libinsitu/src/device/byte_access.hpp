// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <functional>
#include <mutex>

#include "insitu/units.hpp"

namespace insitu {

// Requests of any bytes, over a device of whole blocks. What a request has of a block only in part
// is read, changed and written, one such change of a block at a time. Thread-safe.
class ByteAccess {
  public:
    // Both take whole blocks; a null content writes zeros.
    using ReadBlocks = std::function<void(std::uint64_t at_byte, ByteSpan output)>;
    using WriteBlocks = std::function<void(std::uint64_t at_byte, std::uint64_t length_bytes,
                                           const std::byte* content)>;
    ByteAccess(ReadBlocks read, WriteBlocks write)
        : read_(std::move(read)), write_(std::move(write)) {}

    void read(std::uint64_t at_byte, ByteSpan output);
    void write(std::uint64_t at_byte, std::uint64_t length_bytes, const std::byte* content);

  private:
    void write_in_block(std::uint64_t at_byte, std::size_t length_bytes, const std::byte* content);

    static constexpr std::size_t lock_count = 64;
    ReadBlocks read_;
    WriteBlocks write_;
    std::array<std::mutex, lock_count> locks_;  // by block
};

}  // namespace insitu
