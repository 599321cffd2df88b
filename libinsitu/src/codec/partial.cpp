#include "codec/partial.hpp"

#include <lzo/lzo1x.h>
#include <zlib.h>

namespace insitu {

namespace {

std::size_t inflate_partly(ByteView stream, ByteSpan output) noexcept {
    constexpr int widest_window_bits = 15;
    z_stream z{};
    if (inflateInit2(&z, -widest_window_bits) != Z_OK) return 0;
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(stream.data()));
    z.avail_in = static_cast<uInt>(stream.size());
    z.next_out = reinterpret_cast<Bytef*>(output.data());
    z.avail_out = static_cast<uInt>(output.size());
    (void)inflate(&z, Z_SYNC_FLUSH);
    const std::size_t given = z.total_out;
    inflateEnd(&z);
    return given;
}

std::size_t unpack_lzo_partly(ByteView stream, ByteSpan output) noexcept {
    lzo_uint length = output.size();
    // The length is what was written in any case, also where the stream ends in an error.
    (void)lzo1x_decompress_safe(reinterpret_cast<const unsigned char*>(stream.data()),
                                stream.size(), reinterpret_cast<unsigned char*>(output.data()),
                                &length, nullptr);
    return length <= output.size() ? length : 0;
}

}  // namespace

std::size_t decode_partly(Algorithm algorithm, ByteView stream, ByteSpan output) noexcept {
    if (stream.empty() || output.empty()) return 0;
    return algorithm == Algorithm::lzo ? unpack_lzo_partly(stream, output)
                                       : inflate_partly(stream, output);
}

}  // namespace insitu
