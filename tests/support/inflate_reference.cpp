// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/inflate_reference.hpp"

#include <zlib.h>

#include <algorithm>
#include <vector>

namespace insitu::test {

bool inflates_to(ByteView stream, ByteView content, int window_bits, std::size_t piece) {
    z_stream z{};
    if (inflateInit2(&z, -window_bits) != Z_OK) return false;
    std::vector<std::byte> output(content.size() + 1);
    std::size_t taken = 0;
    int status = Z_OK;
    while (status == Z_OK || status == Z_BUF_ERROR) {
        const std::size_t given = std::min(piece, stream.size() - taken);
        const std::size_t room = std::min<std::size_t>(piece, output.size() - z.total_out);
        z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(stream.data() + taken));
        z.avail_in = static_cast<uInt>(given);
        z.next_out = reinterpret_cast<Bytef*>(output.data() + z.total_out);
        z.avail_out = static_cast<uInt>(room);
        status = inflate(&z, Z_NO_FLUSH);
        taken += given - z.avail_in;
        if (z.avail_in == given && z.avail_out == room) break;  // nothing moves any more
    }
    const std::size_t produced = z.total_out;
    inflateEnd(&z);
    output.resize(content.size());
    return status == Z_STREAM_END && taken == stream.size() && produced == content.size() &&
           std::equal(output.begin(), output.end(), content.begin());
}

}  // namespace insitu::test
