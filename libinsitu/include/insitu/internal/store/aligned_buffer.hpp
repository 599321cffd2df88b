// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdlib>
#include <memory>
#include <new>

#include "insitu/internal/store/memory_size.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Memory that direct I/O can use: aligned to a block, not initialised.
class AlignedBuffer {
  public:
    explicit AlignedBuffer(std::uint64_t size_bytes)
        : bytes_(static_cast<std::byte*>(std::aligned_alloc(
              block_bytes, memory_size(ceil_div(size_bytes, block_bytes) * block_bytes)))),
          size_bytes_(memory_size(size_bytes)) {
        if (bytes_ == nullptr) throw std::bad_alloc();
    }

    std::byte* data() noexcept { return bytes_.get(); }
    const std::byte* data() const noexcept { return bytes_.get(); }
    std::size_t size() const noexcept { return size_bytes_; }
    ByteSpan span() noexcept { return {bytes_.get(), size_bytes_}; }
    ByteView view() const noexcept { return {bytes_.get(), size_bytes_}; }
    ByteSpan first(std::size_t count) noexcept { return span().first(count); }

  private:
    struct Free {
        void operator()(std::byte* bytes) const noexcept { std::free(bytes); }
    };
    std::unique_ptr<std::byte, Free> bytes_;
    std::size_t size_bytes_;
};

}  // namespace insitu
