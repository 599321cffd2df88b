// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/lzo_reference.hpp"

#include <lzo/lzo1x.h>

namespace insitu::test {

std::optional<std::vector<std::byte>> lzo_reference(ByteView stream, std::size_t output_bytes) {
    std::vector<std::byte> output(output_bytes);
    lzo_uint length = output.size();
    const int status =
        lzo1x_decompress_safe(reinterpret_cast<const unsigned char*>(stream.data()), stream.size(),
                              reinterpret_cast<unsigned char*>(output.data()), &length, nullptr);
    if (status != LZO_E_OK) return std::nullopt;
    output.resize(length);
    return output;
}

bool may_end_oddly(ByteView stream) {
    if (stream.size() < 4) return true;
    constexpr std::byte marker{0x11};
    constexpr std::byte marker_with_extension{0x10};
    std::size_t at = stream.size() - 3;
    if (stream[at] != marker) return true;
    do {
        --at;
    } while (at > 0 && stream[at] == std::byte{0});
    return stream[at] == marker_with_extension;
}

}  // namespace insitu::test
