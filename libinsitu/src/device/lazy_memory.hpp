// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>

#include "insitu/internal/store/memory_size.hpp"

namespace insitu {

// Zeros that take memory where they are written first. No large pages are asked for: of these a
// single block takes 2 MiB, and a virtual machine's host, which has to find that much at once, made
// filling a cache up to twice as slow.
class LazyMemory {
  public:
    // Throws std::bad_alloc.
    explicit LazyMemory(std::uint64_t size_bytes) : size_bytes_(memory_size(size_bytes)) {
        if (size_bytes_ == 0) return;
        memory_ = ::mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory_ == MAP_FAILED) throw std::bad_alloc();
    }
    ~LazyMemory() {
        if (size_bytes_ != 0) ::munmap(memory_, size_bytes_);
    }
    LazyMemory(const LazyMemory&) = delete;
    LazyMemory& operator=(const LazyMemory&) = delete;

    std::byte* data() noexcept { return static_cast<std::byte*>(memory_); }

  private:
    void* memory_ = nullptr;
    std::size_t size_bytes_;
};

}  // namespace insitu
