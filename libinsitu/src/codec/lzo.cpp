#include "codec/lzo.hpp"

#include <lzo/lzo1x.h>

#include <vector>

#include "codec/lzo_border_encoder.hpp"
#include "codec/lzo_decoder.hpp"
#include "codec/lzo_greedy.hpp"

namespace insitu {

namespace {

// 2 % more sectors than sub-level 9 at 7 times its speed; levels below lose more than they gain.
constexpr int best_sub_level = 5;

const unsigned char* bytes_of(ByteView view) noexcept {
    return reinterpret_cast<const unsigned char*>(view.data());
}
unsigned char* bytes_of(ByteSpan span) noexcept {
    return reinterpret_cast<unsigned char*>(span.data());
}

class BestEncoder final : public Encoder {
  public:
    BestEncoder() : scratch_(LZO1X_999_MEM_COMPRESS) {}

    std::size_t encode(ByteView input, ByteSpan output, std::size_t limit_bytes) noexcept override {
        lzo_uint length = output.size();
        const int status =
            lzo1x_999_compress_level(bytes_of(input), input.size(), bytes_of(output), &length,
                                     scratch_.data(), nullptr, 0, nullptr, best_sub_level);
        return status == LZO_E_OK && length <= limit_bytes ? length : 0;
    }

  private:
    std::vector<unsigned char> scratch_;
};

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
    return level == Level::fast ? make_lzo_one_table_encoder() : make_lzo_two_table_encoder();
}

std::unique_ptr<Encoder> make_lzo_encoder(Level level) {
    if (level == Level::best) return std::make_unique<BestEncoder>();
    return std::make_unique<LzoEncoder>(level);
}

std::unique_ptr<Decoder> make_lzo_decoder() {
    return std::make_unique<LzoDecoder>();
}

}  // namespace insitu
