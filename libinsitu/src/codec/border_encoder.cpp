// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/border_encoder.hpp"

#include <algorithm>

#include "codec/deflate.hpp"
#include "codec/lzo_border_encoder.hpp"

namespace insitu {

namespace {

class WholeEncoder final : public Encoder {
  public:
    explicit WholeEncoder(std::unique_ptr<BorderEncoder> encoder) : encoder_(std::move(encoder)) {}

    std::size_t encode(ByteView input, ByteSpan output, std::size_t limit_bytes) noexcept override {
        if (input.empty()) return 0;
        const auto blocks = static_cast<unsigned>(ceil_div(input.size(), block_bytes));
        encoder_->start(input, output);
        encoder_->advance(blocks);
        const std::uint32_t length = encoder_->finish(blocks);
        return length <= limit_bytes ? length : 0;
    }

  private:
    std::unique_ptr<BorderEncoder> encoder_;
};

}  // namespace

std::unique_ptr<Encoder> make_whole_encoder(std::unique_ptr<BorderEncoder> encoder) {
    return std::make_unique<WholeEncoder>(std::move(encoder));
}

BorderChoice make_border_choice(const EncoderOptions& options) {
    if (options.algorithm == Algorithm::lzo) {
        return {make_lzo_border_encoder(options.level), nullptr, 100};
    }
    return make_deflate_border_choice(options.level, options.window);
}

}  // namespace insitu
