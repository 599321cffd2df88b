// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "insitu/internal/codec/codec.hpp"
#include "insitu/units.hpp"

namespace insitu {

// An encoder that can end its stream at any border of a block that it has reached, and says before
// how long the stream would be: what `--extent auto` chooses by. Not thread-safe: one a thread.
class BorderEncoder {
  public:
    BorderEncoder() = default;
    virtual ~BorderEncoder() = default;
    BorderEncoder(const BorderEncoder&) = delete;
    BorderEncoder& operator=(const BorderEncoder&) = delete;

    static constexpr std::uint32_t does_not_fit = std::numeric_limits<std::uint32_t>::max();

    // Starts a stream of `run` (1 byte to a window; its last block may be cut short) into `output`,
    // of any size. Both stay valid until finish().
    virtual void start(ByteView run, ByteSpan output) noexcept = 0;
    // Encodes up to the end of block number `blocks` (1 ..), counted from the start of the run.
    virtual void advance(unsigned blocks) noexcept = 0;
    // The length of a stream that ends after `blocks` blocks, which advance() has reached, or
    // does_not_fit. Exact for LZO, an estimate for deflate; to be asked for rising numbers.
    virtual std::uint32_t length_bytes(unsigned blocks) noexcept = 0;
    // Ends the stream there and returns its length. Returns 0 and leaves anything in the output if
    // it does not fit.
    virtual std::uint32_t finish(unsigned blocks) noexcept = 0;
};

// The encoder of these options, or, if it has no such form, a quick one to choose borders with.
struct BorderChoice {
    std::unique_ptr<BorderEncoder> encoder;
    std::unique_ptr<Encoder> packer;  // encodes what was chosen; none: the encoder itself
    unsigned packer_percent = 100;    // of the encoder's lengths: what the packer comes to
};
BorderChoice make_border_choice(const EncoderOptions& options);

// As an encoder of whole extents.
std::unique_ptr<Encoder> make_whole_encoder(std::unique_ptr<BorderEncoder> encoder);

}  // namespace insitu
