// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/window/payload_decoder.hpp"

#include <fmt/format.h>

#include "insitu/internal/format/payload.hpp"

namespace insitu {

std::string PayloadFault::text() const {
    switch (kind) {
        case Kind::length:
            return fmt::format("payload length {} does not fit its sectors, expected 1 to {}",
                               stream_bytes, payload_bytes - length_word_bytes);
        case Kind::corrupt:
            break;
        case Kind::too_much:
            return fmt::format("stream gives more than the {} bytes expected", expected_bytes);
        case Kind::too_little:
            return fmt::format("stream gives {} bytes, expected {}", given_bytes, expected_bytes);
        case Kind::unsealed:
            return seal_differs_text;
    }
    return fmt::format("stream of {} bytes does not decode", stream_bytes);
}

PayloadDecoder::PayloadDecoder(Algorithm algorithm) : decoder_(make_decoder(algorithm)) {}

std::optional<PayloadFault> PayloadDecoder::decode(BlockIndex first, ByteView payload,
                                                   ByteSpan output) {
    using Kind = PayloadFault::Kind;
    const std::uint32_t length = unsafe_stream_length(payload);
    PayloadFault fault{Kind::length, length, payload.size(), 0, output.size()};
    if (!stream_readable(length, static_cast<unsigned>(payload.size() / sector_bytes))) {
        return fault;
    }
    const DecodeResult result = decoder_->decode(payload.first(length), output);
    switch (result.status) {
        case DecodeStatus::corrupt:
            fault.kind = Kind::corrupt;
            return fault;
        case DecodeStatus::overflow:
            fault.kind = Kind::too_much;
            return fault;
        case DecodeStatus::ok:
            break;
    }
    if (result.output_bytes != output.size()) {
        fault.kind = Kind::too_little;
        fault.given_bytes = result.output_bytes;
        return fault;
    }
    const bool differs =
        seal_check_ == SealCheck::verify && check_seal(payload, first) == SealState::differs;
    if (!differs) return std::nullopt;
    fault.kind = Kind::unsealed;
    return fault;
}

}  // namespace insitu
