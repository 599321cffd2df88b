// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>

#include "codec/border_encoder.hpp"
#include "codec/deflate_blocks.hpp"

namespace insitu {

// What the deflate encoders that take matches in order have in common: the run, and how far they
// are. What derives from it finds matches and puts tokens.
class DeflateBorderEncoder : public BorderEncoder {
  public:
    void start(ByteView run, ByteSpan output) noexcept final {
        input_ = reinterpret_cast<const unsigned char*>(run.data());
        input_bytes_ = static_cast<std::uint32_t>(run.size());
        output_ = output;
        blocks_.start(run);
        reset();
    }

    void advance(unsigned blocks) noexcept final {
        while (blocks_.borders() < blocks) {
            const std::uint32_t border = blocks_.end_of(blocks_.borders() + 1);
            const std::uint32_t stop =
                std::min(border, input_bytes_ - std::min(input_bytes_, margin_bytes));
            std::uint32_t at = blocks_.position();
            deflate::TokenSink sink = blocks_.sink();
            if (at == 0) sink.put_literal(input_[at++]);
            if (at < stop) at = search(at, stop, sink);
            if (at < border) {
                sink.put_literals(input_ + at, border - at);
                at = border;
            }
            blocks_.end_border(sink, at);
        }
    }

    std::uint32_t length_bytes(unsigned blocks) noexcept final {
        return blocks_.estimated_bytes(blocks);
    }

    std::uint32_t finish(unsigned blocks) noexcept final {
        return static_cast<std::uint32_t>(blocks_.finish(blocks, output_));
    }

  protected:
    explicit DeflateBorderEncoder(deflate::Blocks::Options options) : blocks_(options) {}

    // No search starts so near the end of the input, nor looks at more bytes at once.
    static constexpr std::uint32_t margin_bytes = 24;

    const unsigned char* input_ = nullptr;
    std::uint32_t input_bytes_ = 0;

  private:
    // Forgets what was found before: a new run.
    virtual void reset() noexcept = 0;
    // Puts what starts in [at, stop) into `sink`; returns where that ends, at `stop` or later.
    virtual std::uint32_t search(std::uint32_t at, std::uint32_t stop,
                                 deflate::TokenSink& sink) noexcept = 0;

    deflate::Blocks blocks_;
    ByteSpan output_;
};

}  // namespace insitu
