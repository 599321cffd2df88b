#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "insitu/units.hpp"

namespace insitu {

// An LZO1X encoder that knows, at each border of a block, how long its stream would be if it ended
// there. A greedy encoder never looks back at what it has emitted, so the stream of the first n
// blocks is the stream of all blocks up to the token that reaches over the border, and a short end.
// One pass over a run of blocks therefore tells the exact length for every place to cut it.
//
// Its streams have an end marker and decode with lzo1x_decompress_safe; matches reach back 48 KiB.
// Not thread-safe: one a thread, 33 KiB.
class LzoBorderEncoder {
  public:
    LzoBorderEncoder() : table_(std::make_unique<Table>()) {}

    // Room for the stream of a window; encoding writes up to a block more than it keeps.
    static constexpr std::size_t output_bytes = window_bytes + window_bytes / 16 + 2 * block_bytes;

    // Starts a stream of the blocks in `run` (whole blocks, at most a window) into `output`
    // (output_bytes long). Both stay valid until finish().
    void start(ByteView run, ByteSpan output) noexcept;

    // Encodes up to the end of block number `blocks` (1 ..), counted from the start of the run.
    void advance(unsigned blocks) noexcept;
    // The length of a stream that ends behind `blocks` blocks, which advance() has reached.
    std::uint32_t length_bytes(unsigned blocks) const noexcept;
    // Ends the stream there; `output` then holds length_bytes(blocks) bytes of it.
    std::uint32_t finish(unsigned blocks) noexcept;

  private:
    static constexpr unsigned hash_bits = 14;
    using Table = std::array<std::uint16_t, 1U << hash_bits>;

    // The last whole token before a border, and the match that reaches over it (distance 0: none).
    struct Checkpoint {
        std::uint32_t output;
        std::uint32_t literals;
        std::uint32_t match;
        std::uint32_t distance;
    };

    static std::uint32_t hash(std::uint32_t value) noexcept {
        return value * 2654435761U >> (32 - hash_bits);
    }
    // Whether a checkpoint's match is kept, shortened, by a stream that ends at `end`.
    static bool keeps_match(const Checkpoint& checkpoint, std::uint32_t end) noexcept;

    const unsigned char* input_ = nullptr;
    std::uint32_t input_bytes_ = 0;
    unsigned char* output_ = nullptr;
    std::uint32_t position_ = 0;      // of the input, where the search goes on
    std::uint32_t literals_ = 0;      // of the input, the first byte that no token covers yet
    std::uint32_t output_bytes_ = 0;  // emitted so far
    unsigned borders_ = 0;            // checkpoints made
    std::array<Checkpoint, window_blocks> checkpoints_{};
    std::unique_ptr<Table> table_;
};

}  // namespace insitu
