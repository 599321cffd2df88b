// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "codec/bit_writer.hpp"
#include "codec/deflate_block.hpp"

namespace insitu::deflate {

// Takes the tokens of a run in order, and writes them as blocks up to a border of choice.
//
// A block pays for the description of its codes (some 60 bytes) and wins where the bytes change
// their nature: at the border of a file, say. So the run is taken in segments; a segment joins the
// block before it if the two are estimated to take less together than apart.
// Not thread-safe: one a thread, about 560 KiB.
class Blocks {
  public:
    // `even`: each segment is a block.
    enum class Splitting { even, by_cost };
    struct Options {
        unsigned segment_blocks;  // of 4 KiB
        Splitting splitting;
    };

    explicit Blocks(Options options);

    // Starts with an input of any length.
    void start(ByteView input) noexcept;
    // Takes the tokens up to the next border, and those that reach over it.
    TokenSink sink() noexcept;
    // The sink has come to the next border; its tokens stand for the input up to `position`.
    void end_border(const TokenSink& sink, std::uint32_t position) noexcept;
    // Borders to which tokens were taken, and where the last token ended.
    unsigned borders() const noexcept { return borders_; }
    std::uint32_t position() const noexcept { return at(borders_).input; }
    // Where a border is in the input.
    std::uint32_t end_of(unsigned blocks) const noexcept;

    // About how long a stream is that ends after `blocks` blocks of 4 KiB, up to borders(); to be
    // asked for rising numbers.
    std::uint32_t estimated_bytes(unsigned blocks) noexcept;
    // The bytes of the stream that ends there, 0 if it does not fit.
    std::size_t finish(unsigned blocks, ByteSpan output) noexcept;

  private:
    // What was taken up to a border: of the input, and tokens.
    struct Mark {
        std::uint32_t input = 0;
        std::uint32_t tokens = 0;
    };

    Mark at(unsigned border) const noexcept { return border == 0 ? Mark{} : marks_[border - 1]; }
    void end_at(unsigned border) noexcept;
    Block between(Mark from, Mark to) const noexcept;

    Options options_;
    const unsigned char* input_ = nullptr;
    std::uint32_t input_bytes_ = 0;
    unsigned borders_ = 0;
    unsigned estimated_ = 0;  // borders up to which
    SymbolCounts estimate_;   // this is counted
    // A window's, or more for an input that is longer than one: no extent that is written is.
    std::vector<Mark> marks_;
    std::vector<SymbolCounts> counts_;  // of the tokens between two borders
    std::vector<Token> tokens_;
};

}  // namespace insitu::deflate
