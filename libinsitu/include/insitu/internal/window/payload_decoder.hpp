// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/units.hpp"

namespace insitu {

// What is wrong with the payload of a compressed extent (docs/format.md §4).
struct PayloadFault {
    enum class Kind {
        length,      // its length word cannot be that of a stream in so many sectors
        corrupt,     // its stream does not decode
        too_much,    // the stream gives more than the extent has
        too_little,  // the stream gives less
        unsealed,    // the stream decodes, and is not the one that was sealed
    };
    Kind kind = Kind::corrupt;
    std::uint32_t stream_bytes = 0;  // as the length word says
    std::size_t payload_bytes = 0;
    std::size_t given_bytes = 0;  // too_little: what the stream gave
    std::size_t expected_bytes = 0;

    INSITU_API std::string text() const;
};

// Decodes payloads and checks all that can be checked of them: the one place that says when content
// is what was written. One a thread.
class INSITU_API PayloadDecoder {
  public:
    explicit PayloadDecoder(Algorithm algorithm);

    // Whether a stream that differs from its seal is a fault, or is read as the driver reads it.
    // Default: a fault.
    void set_seal_check(SealCheck check) noexcept { seal_check_ = check; }

    // `payload`: the whole sectors of a compressed extent that starts at block `first`. `output`
    // has exactly the size of its blocks, and is undefined after a fault but `unsealed`.
    std::optional<PayloadFault> decode(BlockIndex first, ByteView payload, ByteSpan output);

    Decoder& decoder() noexcept { return *decoder_; }

  private:
    std::unique_ptr<Decoder> decoder_;
    SealCheck seal_check_ = SealCheck::verify;
};

}  // namespace insitu
