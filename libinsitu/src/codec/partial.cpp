// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/partial.hpp"

#include <lzo/lzo1x.h>
#include <zlib.h>

namespace insitu {

namespace {

enum class Ended { yes, no };

struct Given {
    std::size_t bytes = 0;
    Ended ended = Ended::no;
};

Given inflate_partly(ByteView stream, ByteSpan output) noexcept {
    constexpr int widest_window_bits = 15;
    z_stream z{};
    if (inflateInit2(&z, -widest_window_bits) != Z_OK) return {};
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(stream.data()));
    z.avail_in = static_cast<uInt>(stream.size());
    z.next_out = reinterpret_cast<Bytef*>(output.data());
    z.avail_out = static_cast<uInt>(output.size());
    const int status = inflate(&z, Z_SYNC_FLUSH);
    const Given given{z.total_out, status == Z_STREAM_END ? Ended::yes : Ended::no};
    inflateEnd(&z);
    return given;
}

Given unpack_lzo_partly(ByteView stream, ByteSpan output) noexcept {
    lzo_uint length = output.size();
    // The length is what was written in any case, also where the stream ends in an error.
    const int status =
        lzo1x_decompress_safe(reinterpret_cast<const unsigned char*>(stream.data()), stream.size(),
                              reinterpret_cast<unsigned char*>(output.data()), &length, nullptr);
    if (length > output.size()) return {};
    const bool ended = status == LZO_E_OK || status == LZO_E_INPUT_NOT_CONSUMED;
    return {length, ended ? Ended::yes : Ended::no};
}

}  // namespace

namespace {

Given decode_any(Algorithm algorithm, ByteView stream, ByteSpan output) noexcept {
    if (stream.empty() || output.empty()) return {};
    return algorithm == Algorithm::lzo ? unpack_lzo_partly(stream, output)
                                       : inflate_partly(stream, output);
}

}  // namespace

std::size_t decode_partly(Algorithm algorithm, ByteView stream, ByteSpan output) noexcept {
    return decode_any(algorithm, stream, output).bytes;
}

std::size_t decode_open_end(Algorithm algorithm, ByteView bytes, ByteSpan output) noexcept {
    const Given given = decode_any(algorithm, bytes, output);
    return given.ended == Ended::yes ? given.bytes : 0;
}

OpenEnd decode_until_end(Algorithm algorithm, ByteView bytes, ByteSpan output) noexcept {
    const Given given = decode_any(algorithm, bytes, output);
    return {given.bytes, given.ended == Ended::yes};
}

}  // namespace insitu
