// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo.hpp"

#include "codec/lzo_border_encoder.hpp"
#include "codec/lzo_chains.hpp"
#include "codec/lzo_decoder.hpp"
#include "codec/lzo_greedy.hpp"
#include "codec/lzo_optimal.hpp"

namespace insitu {

namespace {

class LzoDecoder final : public Decoder {
  public:
    DecodeResult decode(ByteView stream, ByteSpan output) noexcept override {
        return decode_lzo(stream, output);
    }
};

}  // namespace

std::unique_ptr<LzoBorderEncoder> make_lzo_border_encoder(Level level) {
    switch (static_cast<unsigned>(level)) {
        case 0:
        case 1:
            return make_lzo_fastest_encoder();
        case 2:
            return make_lzo_one_table_encoder();
        case 3:
            return make_lzo_two_table_encoder();
        case 4:
            return make_lzo_two_table_lazy_encoder();
        case 5:
            return make_lzo_chain_encoder(4);
        case 6:
            return make_lzo_chain_encoder(24);
        case 7:
            return make_lzo_chain_encoder(64);
        case 8:
            return make_lzo_optimal_encoder({48, 48, 10, 16});
        default:
            return make_lzo_optimal_encoder({128, 64, 32, 32});
    }
}

std::unique_ptr<Encoder> make_lzo_encoder(Level level) {
    return make_whole_encoder(make_lzo_border_encoder(level));
}

std::unique_ptr<Decoder> make_lzo_decoder() {
    return std::make_unique<LzoDecoder>();
}

}  // namespace insitu
