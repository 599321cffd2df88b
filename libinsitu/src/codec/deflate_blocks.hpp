// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "codec/bit_writer.hpp"
#include "codec/deflate_block.hpp"

namespace insitu::deflate {

// Takes the matches of a run in order, and writes them as blocks up to a border of choice.
//
// A block pays for the description of its codes (some 60 bytes) and wins where the bytes change
// their nature: at the border of a file, say. So the run is taken in segments; a segment joins the
// block before it if the two are estimated to take less together than apart.
// Not thread-safe: one a thread, about 400 KiB.
class Blocks {
  public:
    // `even`: each segment is a block.
    enum class Splitting { even, by_cost };
    struct Options {
        unsigned segment_blocks;  // of 4 KiB
        Splitting splitting;
    };

    explicit Blocks(Options options);

    // Starts with an input of at most a window.
    void start(ByteView input) noexcept;
    // A match of at least 3 bytes, behind all before. 16 bytes from its start on can be read.
    void put(std::uint32_t at, std::uint32_t length, std::uint32_t distance) noexcept;
    // Where the last match ended.
    std::uint32_t literals() const noexcept { return here_.input; }

    // About how long a stream is that ends after `blocks` blocks of 4 KiB. All matches that start
    // before have been put; to be asked for rising numbers.
    std::uint32_t estimated_bytes(unsigned blocks) noexcept;
    // The bytes of the stream that ends there, 0 if it does not fit.
    std::size_t finish(unsigned blocks, ByteSpan output) noexcept;

  private:
    static constexpr std::uint32_t most_literals = 16 * 1024;  // of one sequence

    // What was put so far: of the input, and of both lists.
    struct Mark {
        std::uint32_t input = 0;
        std::uint32_t literal = 0;
        std::uint32_t sequence = 0;
    };
    // The last whole match before a border, and the one that reaches over it (distance 0: none).
    struct Border {
        Mark mark;
        std::uint32_t at = 0;
        std::uint32_t distance = 0;
    };

    std::uint32_t end_of(unsigned blocks) const noexcept;
    void record_borders(std::uint32_t up_to, std::uint32_t at, std::uint32_t distance) noexcept;
    void append(std::uint32_t at, std::uint32_t length, std::uint32_t distance) noexcept;
    void append_sequence(std::uint32_t literals, std::uint32_t length,
                         std::uint32_t distance) noexcept;
    // Literals up to `end`, until at most `least` are left.
    void append_literals(std::uint32_t end, std::uint32_t least) noexcept;
    void append_long_match(std::uint32_t literals, std::uint32_t length,
                           std::uint32_t distance) noexcept;
    void count_pending(std::uint32_t from, std::uint32_t to) noexcept;
    void end_at(unsigned blocks) noexcept;
    Block between(Mark from, Mark to) const noexcept;

    Options options_;
    const unsigned char* input_ = nullptr;
    std::uint32_t input_bytes_ = 0;
    Mark here_;
    std::uint32_t next_border_ = 0;
    unsigned borders_ = 0;  // reached
    // A window's, or more for an input that is longer than one: no extent that is written is.
    std::vector<Border> at_border_ = std::vector<Border>(window_blocks);
    unsigned estimated_ = 0;  // borders up to which
    SymbolCounts estimate_;   // this is counted
    SymbolCounts pending_;    // and the literals of the input in
    std::uint32_t pending_from_ = 0;
    std::uint32_t pending_to_ = 0;
    std::vector<unsigned char> literals_;
    std::vector<Sequence> sequences_;
};

}  // namespace insitu::deflate
