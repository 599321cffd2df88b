// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/format/payload.hpp"

#include <cstring>

#include "format/little_endian.hpp"

namespace insitu {

std::uint32_t unsafe_stream_length(ByteView payload) noexcept {
    LittleEndian<std::uint32_t> word;
    std::memcpy(&word, payload.data() + payload.size() - sizeof word, sizeof word);
    return word.get();
}

void frame_payload(ByteSpan payload, std::uint32_t stream_bytes) noexcept {
    LittleEndian<std::uint32_t> word;
    word.set(stream_bytes);
    std::memset(payload.data() + stream_bytes, 0, payload.size() - sizeof word - stream_bytes);
    std::memcpy(payload.data() + payload.size() - sizeof word, &word, sizeof word);
}

}  // namespace insitu
