#include "codec/lzo.hpp"

#include "codec/lzo_border_encoder.hpp"
#include "codec/lzo_decoder.hpp"
#include "codec/lzo_greedy.hpp"
#include "codec/lzo_optimal.hpp"

namespace insitu {

namespace {

class LzoEncoder final : public Encoder {
  public:
    explicit LzoEncoder(Level level) : encoder_(make_lzo_border_encoder(level)) {}

    std::size_t encode(ByteView input, ByteSpan output, std::size_t limit_bytes) noexcept override {
        if (input.empty()) return 0;
        const auto blocks = static_cast<unsigned>(ceil_div(input.size(), block_bytes));
        encoder_->start(input, output);
        encoder_->advance(blocks);
        return encoder_->length_bytes(blocks) <= limit_bytes ? encoder_->finish(blocks) : 0;
    }

  private:
    std::unique_ptr<LzoBorderEncoder> encoder_;
};

class LzoDecoder final : public Decoder {
  public:
    DecodeResult decode(ByteView stream, ByteSpan output) noexcept override {
        return decode_lzo(stream, output);
    }
};

}  // namespace

std::unique_ptr<LzoBorderEncoder> make_lzo_border_encoder(Level level) {
    switch (level) {
        case Level::fast:
            return make_lzo_one_table_encoder();
        case Level::normal:
            return make_lzo_two_table_encoder();
        case Level::best:
            return make_lzo_optimal_encoder({48, 48, 10, 16});
    }
    return nullptr;
}

std::unique_ptr<Encoder> make_lzo_encoder(Level level) {
    return std::make_unique<LzoEncoder>(level);
}

std::unique_ptr<Decoder> make_lzo_decoder() {
    return std::make_unique<LzoDecoder>();
}

}  // namespace insitu
