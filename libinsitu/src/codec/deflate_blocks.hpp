#pragma once

#include <vector>

#include "codec/bit_writer.hpp"
#include "codec/deflate_block.hpp"

namespace insitu::deflate {

// Takes the matches of an extent in order and writes them as blocks.
//
// A block pays for the description of its codes (some 60 bytes) and wins where the bytes change
// their nature: at the border of a file, say. So what comes is taken in segments; a new segment
// joins the block before it if the two are estimated to take less together than apart.
// Not thread-safe: one a thread, about 270 KiB.
class Blocks {
  public:
    // `even`: each segment is a block.
    enum class Splitting { even, by_cost };
    struct Options {
        std::uint32_t segment_bytes;
        Splitting splitting;
    };

    explicit Blocks(Options options);

    // Starts the stream of `input`, into `output`.
    void start(ByteView input, ByteSpan output) noexcept;
    // A match of at least 3 bytes, behind all before. 16 bytes from its start on can be read.
    void put(std::uint32_t at, std::uint32_t length, std::uint32_t distance) noexcept;
    // Where the last match ended.
    std::uint32_t literals() const noexcept { return literals_at_; }
    // The literals up to the end of the input, and the end: the bytes of the stream, 0 if it does
    // not fit.
    std::size_t finish() noexcept;

  private:
    static constexpr std::uint32_t most_block_bytes = 64 * 1024;
    static constexpr std::uint32_t most_literals = 16 * 1024;  // of one sequence

    // What was put since `start`: of the input, and of both lists.
    struct Mark {
        std::uint32_t input = 0;
        std::uint32_t literal = 0;
        std::uint32_t sequence = 0;
    };

    void put_sequence(std::uint32_t literals, std::uint32_t length,
                      std::uint32_t distance) noexcept;
    void put_long_literals(std::uint32_t end) noexcept;
    void put_long_match(std::uint32_t literals, std::uint32_t length,
                        std::uint32_t distance) noexcept;
    void end_segment() noexcept;
    Mark here() const noexcept { return {literals_at_, literal_count_, sequence_count_}; }
    Block between(Mark from, Mark to) const noexcept;
    void write(Mark end, const SymbolCounts& counts, Position position) noexcept;

    Options options_;
    const unsigned char* input_ = nullptr;
    std::uint32_t input_bytes_ = 0;
    BitWriter out_;
    std::uint32_t literals_at_ = 0;  // of the input, what no sequence covers yet
    std::uint32_t segment_end_ = 0;  // where the segment is long enough
    std::uint32_t literal_count_ = 0;
    std::uint32_t sequence_count_ = 0;
    Mark block_;           // where the block starts; its lists start at 0
    Mark segment_;         // and its last segment
    SymbolCounts counts_;  // of the block up to that segment
    std::vector<unsigned char> literals_;
    std::vector<Sequence> sequences_;
};

}  // namespace insitu::deflate
