// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>

#include "codec/border_encoder.hpp"
#include "codec/deflate_blocks.hpp"

namespace insitu {

// What the deflate encoders that take matches in order have in common: the run, and how far they
// are. What derives from it finds matches and puts them into blocks_.
class DeflateBorderEncoder : public BorderEncoder {
  public:
    void start(ByteView run, ByteSpan output) noexcept final {
        input_ = reinterpret_cast<const unsigned char*>(run.data());
        input_bytes_ = static_cast<std::uint32_t>(run.size());
        output_ = output;
        position_ = 1;
        blocks_.start(run);
        reset();
    }

    void advance(unsigned blocks) noexcept final {
        const auto end = static_cast<std::uint32_t>(blocks * block_bytes);
        const std::uint32_t stop =
            std::min(end, input_bytes_ - std::min(input_bytes_, margin_bytes));
        if (position_ < stop) position_ = search(position_, stop);
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
    deflate::Blocks blocks_;

  private:
    // Forgets what was found before: a new run.
    virtual void reset() noexcept = 0;
    // Puts the matches that start in [at, stop); returns where to go on.
    virtual std::uint32_t search(std::uint32_t at, std::uint32_t stop) noexcept = 0;

    ByteSpan output_;
    std::uint32_t position_ = 0;
};

}  // namespace insitu
