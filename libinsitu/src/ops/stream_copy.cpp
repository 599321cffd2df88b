// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/stream_copy.hpp"

#include <algorithm>
#include <cstring>

#include "insitu/internal/ops/source.hpp"
#include "ops/stream_target.hpp"

namespace insitu {

void copy_to_stream(const Store& store, int fd, const std::string& name, const StopFlag* stop) {
    StreamTarget target(fd, name, stop);
    AlignedBuffer buffer(batch_bytes);
    const std::uint64_t size_bytes = store.size_bytes();
    for (std::uint64_t at_byte = 0; at_byte < size_bytes;) {
        const std::uint64_t data = store.next_data(at_byte);
        const std::uint64_t length = std::min(batch_bytes, size_bytes - at_byte);
        const ByteSpan part = buffer.first(length);
        if (data < at_byte + length) {
            store.read_at(at_byte, part);
        } else {
            std::memset(part.data(), 0, part.size());
        }
        target.write(part);
        at_byte += length;
    }
}

}  // namespace insitu
