// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/byte_access.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

namespace {

bool is_aligned(std::uint64_t at_byte, std::uint64_t length_bytes) {
    return at_byte % block_bytes == 0 && length_bytes % block_bytes == 0;
}

}  // namespace

void ByteAccess::read(std::uint64_t at_byte, ByteSpan output) {
    if (is_aligned(at_byte, output.size())) return read_(at_byte, output);
    // The middle goes straight to its place.
    while (!output.empty()) {
        const std::uint64_t in_block = at_byte % block_bytes;
        std::size_t length = 0;
        if (in_block == 0 && output.size() >= block_bytes) {
            length = output.size() / block_bytes * block_bytes;
            read_(at_byte, output.first(length));
        } else {
            std::array<std::byte, block_bytes> block;
            length = std::min<std::size_t>(block_bytes - in_block, output.size());
            read_(at_byte - in_block, block);
            std::memcpy(output.data(), block.data() + in_block, length);
        }
        at_byte += length;
        output = output.subspan(length);
    }
}

void ByteAccess::write_in_block(std::uint64_t at_byte, std::size_t length_bytes,
                                const std::byte* content) {
    const std::uint64_t in_block = at_byte % block_bytes;
    const std::uint64_t start = at_byte - in_block;
    const std::lock_guard lock(locks_[start / block_bytes % lock_count]);
    std::array<std::byte, block_bytes> block;
    read_(start, block);
    if (content != nullptr) {
        std::memcpy(block.data() + in_block, content, length_bytes);
    } else {
        std::memset(block.data() + in_block, 0, length_bytes);
    }
    write_(start, block_bytes, block.data());
}

void ByteAccess::write(std::uint64_t at_byte, std::uint64_t length_bytes,
                       const std::byte* content) {
    if (is_aligned(at_byte, length_bytes)) return write_(at_byte, length_bytes, content);
    for (std::uint64_t done = 0; done < length_bytes;) {
        const std::uint64_t at = at_byte + done;
        const std::uint64_t rest = length_bytes - done;
        const std::byte* const bytes = content == nullptr ? nullptr : content + done;
        std::uint64_t step = std::min(block_bytes - at % block_bytes, rest);
        if (step < block_bytes) {
            write_in_block(at, step, bytes);
        } else {
            step = rest / block_bytes * block_bytes;
            write_(at, step, bytes);
        }
        done += step;
    }
}

}  // namespace insitu
