// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/driver_view.hpp"

#include "codec/partial.hpp"
#include "insitu/internal/format/payload.hpp"

namespace insitu {

DriverView driver_view(Algorithm algorithm, Decoder& decoder, ByteView payload, ByteSpan content) {
    const std::uint32_t length = unsafe_stream_length(payload);
    if (length == 0) return {KernelEffect::eio, false};
    const bool leaves = length > payload.size();
    const ByteView stream = leaves ? payload : payload.first(length);
    if (algorithm == Algorithm::deflate) {
        // Its inflate stops at the end of the stream, wherever the length word points to.
        const OpenEnd found = decode_until_end(algorithm, stream, content);
        const bool right = found.ended && found.bytes == content.size();
        if (leaves) return {KernelEffect::out_of_bounds, right};
        if (right) return {KernelEffect::none, true};
        return {found.ended ? KernelEffect::kernel_memory : KernelEffect::eio, false};
    }
    if (leaves) return {KernelEffect::out_of_bounds, false};
    const DecodeResult result = decoder.decode(stream, content);
    if (result.status != DecodeStatus::ok) return {KernelEffect::eio, false};
    if (result.output_bytes < content.size()) return {KernelEffect::kernel_memory, false};
    return {KernelEffect::none, true};
}

}  // namespace insitu
