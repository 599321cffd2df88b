// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/window/extent_encoder.hpp"

#include "codec/compressibility.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/format/seal.hpp"

namespace insitu {

ExtentEncoder::ExtentEncoder(const EncoderOptions& options, Seals seals)
    : options_(options),
      seals_(seals),
      encoder_(make_encoder(options)),
      probe_(is_slow_on_random(options) ? std::make_unique<CompressibilityProbe>() : nullptr),
      payload_(encode_bound_bytes(window_bytes)) {}

ExtentEncoder::~ExtentEncoder() = default;
ExtentEncoder::ExtentEncoder(ExtentEncoder&&) noexcept = default;
ExtentEncoder& ExtentEncoder::operator=(ExtentEncoder&&) noexcept = default;

bool ExtentEncoder::worth_encoding(ByteView blocks) noexcept {
    return !probe_ || probe_->compressible(blocks, evidence_for(options_.algorithm));
}

ByteView ExtentEncoder::encode(BlockIndex first, ByteView blocks) {
    if (!worth_encoding(blocks)) return blocks;
    const auto count = static_cast<unsigned>(blocks.size() / block_bytes);
    const std::size_t length =
        encoder_->encode(blocks, payload_.span(), longest_stream_bytes(count));
    if (length == 0) return blocks;
    const ByteSpan payload = payload_.first(payload_sectors_for(length) * sector_bytes);
    frame_payload(payload, static_cast<std::uint32_t>(length));
    if (seals_ == Seals::write) seal_payload(payload, first);
    return payload;
}

}  // namespace insitu
