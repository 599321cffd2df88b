// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/codec/codec.hpp"

#include "codec/deflate.hpp"
#include "codec/lzo.hpp"

namespace insitu {

Encoder::~Encoder() = default;
Decoder::~Decoder() = default;

std::unique_ptr<Encoder> make_encoder(const EncoderOptions& options) {
    if (options.algorithm == Algorithm::lzo) return make_lzo_encoder(options.level);
    return make_deflate_encoder(options.level, options.window);
}

std::unique_ptr<Decoder> make_decoder(Algorithm algorithm) {
    return algorithm == Algorithm::lzo ? make_lzo_decoder() : make_deflate_decoder();
}

}  // namespace insitu
