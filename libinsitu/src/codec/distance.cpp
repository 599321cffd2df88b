// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/distance.hpp"

#include <zlib.h>

#include <array>
#include <new>

namespace insitu {

namespace {

constexpr int driver_window_bits = 11;
// zlib checks a distance against its window only where the output buffer of the call does not hold
// the bytes itself, so the output is handed over in small pieces. A distance of up to this many
// bytes more than 2 KiB may pass; no encoder stops there.
constexpr std::size_t piece_bytes = 64;

}  // namespace

struct DistanceWalker::State {
    z_stream stream{};
    std::array<Bytef, piece_bytes> piece{};
};

DistanceWalker::DistanceWalker() : state_(std::make_unique<State>()) {
    if (inflateInit2(&state_->stream, -driver_window_bits) != Z_OK) throw std::bad_alloc();
}

DistanceWalker::~DistanceWalker() {
    inflateEnd(&state_->stream);
}

bool DistanceWalker::over_2_kib(ByteView stream) noexcept {
    z_stream& z = state_->stream;
    inflateReset(&z);
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(stream.data()));
    z.avail_in = static_cast<uInt>(stream.size());
    for (;;) {
        z.next_out = state_->piece.data();
        z.avail_out = piece_bytes;
        const int status = inflate(&z, Z_NO_FLUSH);
        if (status == Z_STREAM_END) return false;
        if (status == Z_OK) continue;
        // Another decoder took the stream: what zlib has against it is a distance.
        return status == Z_DATA_ERROR;
    }
}

}  // namespace insitu
