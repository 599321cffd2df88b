// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/memory_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "insitu/error.hpp"
#include "insitu/internal/store/memory_size.hpp"

namespace insitu {

MemoryStore::MemoryStore(std::uint64_t size_bytes, std::byte fill, std::string name)
    : Store(std::move(name)), bytes_(memory_size(size_bytes), fill) {}

ByteSpan MemoryStore::range(std::uint64_t at_byte, std::uint64_t length_bytes) const {
    if (at_byte > bytes_.size() || length_bytes > bytes_.size() - at_byte) {
        throw Error(
            ErrorKind::damaged, {.file = name(), .byte = at_byte},
            fmt::format("{} bytes reach beyond the end at {}", length_bytes, bytes_.size()));
    }
    return ByteSpan(bytes_).subspan(at_byte, length_bytes);
}

void MemoryStore::read_at(std::uint64_t at_byte, ByteSpan output) const {
    const ByteView from = range(at_byte, output.size());
    std::copy(from.begin(), from.end(), output.begin());
}

void MemoryStore::write_at(std::uint64_t at_byte, ByteView input) {
    std::copy(input.begin(), input.end(), range(at_byte, input.size()).begin());
}

void MemoryStore::zero(std::uint64_t at_byte, std::uint64_t length_bytes) {
    const ByteSpan to = range(at_byte, length_bytes);
    std::fill(to.begin(), to.end(), std::byte{0});
}

}  // namespace insitu
