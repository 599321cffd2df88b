#include "insitu/image/extent_encoder.hpp"

#include "insitu/format/payload.hpp"

namespace insitu {

ExtentEncoder::ExtentEncoder(const EncoderOptions& options)
    : encoder_(make_encoder(options)), payload_(encode_bound_bytes(window_bytes)) {}

ByteView ExtentEncoder::encode(ByteView blocks) {
    const auto count = static_cast<unsigned>(blocks.size() / block_bytes);
    const std::size_t length =
        encoder_->encode(blocks, payload_.span(), longest_stream_bytes(count));
    if (length == 0) return blocks;
    const ByteSpan payload = payload_.first(payload_sectors_for(length) * sector_bytes);
    frame_payload(payload, static_cast<std::uint32_t>(length));
    return payload;
}

}  // namespace insitu
