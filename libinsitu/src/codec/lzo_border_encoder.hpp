// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "codec/border_encoder.hpp"
#include "codec/lzo_tokens.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "insitu/units.hpp"

namespace insitu {

// An LZO1X encoder that knows, at each border of a block, how long its stream would be if it ended
// there. An encoder that never looks back at what it has emitted makes the stream of the first n
// blocks of the stream of all blocks: up to the token that reaches over the border, and a short
// end. One pass over a run of blocks therefore gives the exact length for every place to cut it.
//
// Example: with tokens [0, 4000) and [4000, 5000) the checkpoint of border 4096 says "so many bytes
// were out before the second token; it is a match that starts at 4000". A stream that ends at 4096
// is those bytes, the match cut to 96 bytes, and the end marker.
//
// This class keeps the run, the output and the checkpoints; what derives from it finds matches. Its
// streams have an end marker and decode with lzo1x_decompress_safe; matches reach back 48 KiB.
// Not thread-safe: one a thread.
class LzoBorderEncoder : public BorderEncoder {
  public:
    // Room with which no run of a window fails to fit.
    static constexpr std::size_t output_bytes = encode_bound_bytes(window_bytes);

    void start(ByteView run, ByteSpan output) noexcept final;
    void advance(unsigned blocks) noexcept final;
    std::uint32_t length_bytes(unsigned blocks) noexcept final;
    std::uint32_t finish(unsigned blocks) noexcept final;

  protected:
    LzoBorderEncoder() = default;

    // A search never looks at more than this many bytes from where it is, and never starts so near
    // the end of the input.
    static constexpr std::uint32_t margin_bytes = 24;

    class Tokens;

    const unsigned char* input() const noexcept { return input_; }
    std::uint32_t input_bytes() const noexcept { return input_bytes_; }

  private:
    // Forgets what was found before: a new run.
    virtual void reset(ByteView run) noexcept = 0;
    // Emits tokens of matches that start before `stop`.
    virtual void search(std::uint32_t stop) noexcept = 0;

    // The last whole token before a border, and the match that reaches over it (distance 0: none).
    struct Checkpoint {
        std::uint32_t output;
        std::uint32_t literals;
        std::uint32_t match;
        std::uint32_t distance;
    };

    std::uint32_t end_of(unsigned blocks) const noexcept;
    std::uint32_t next_border() const noexcept;
    void record_borders(std::uint32_t up_to, const Checkpoint& checkpoint) noexcept;
    // Whether a checkpoint's match is kept, shortened, by a stream that ends at `end`.
    static bool keeps_match(const Checkpoint& checkpoint, std::uint32_t end) noexcept;

    const unsigned char* input_ = nullptr;
    std::uint32_t input_bytes_ = 0;
    unsigned char* output_ = nullptr;
    std::uint32_t room_ = 0;
    std::uint32_t position_ = 0;  // of the input, where the search goes on
    std::uint32_t literals_ = 0;  // of the input, the first byte that no token covers yet
    std::uint32_t emitted_ = 0;   // bytes
    unsigned blocks_ = 0;         // of the run
    unsigned borders_ = 0;        // checkpoints made
    bool full_ = false;           // the output has no room for the next token
    // A window's, or more for an input that is longer than one: no extent that is written is.
    std::vector<Checkpoint> checkpoints_ = std::vector<Checkpoint>(window_blocks);
};

// Where a search is and what it has emitted: a local copy, so that the loop keeps it in registers.
// Every search makes one, and calls save() at its end.
class LzoBorderEncoder::Tokens {
  public:
    explicit Tokens(LzoBorderEncoder& run) noexcept
        : run_(run),
          in_(run.input_),
          begin_(run.output_),
          end_(run.output_ + run.room_),
          out_(run.output_ + run.emitted_),
          literals_(run.literals_),
          border_(run.next_border()) {}

    std::uint32_t start() const noexcept { return run_.position_; }
    std::uint32_t literals() const noexcept { return literals_; }

    // Makes a match longer by the bytes before it that are equal too; returns its start.
    std::uint32_t extend_back(std::uint32_t at, std::uint32_t distance) const noexcept {
        while (at > literals_ && at > distance && in_[at - 1] == in_[at - 1 - distance])
            --at;
        return at;
    }

    // Emits the literals before a match, and the match. False if there is no room for them.
    bool put(std::uint32_t at, std::uint32_t end, std::uint32_t distance) noexcept {
        if (end >= border_) [[unlikely]] {
            run_.record_borders(end, {emitted(), literals_, at, distance});
            border_ = run_.next_border();
        }
        if (!put_literals(at, end)) return false;
        out_ = lzo::put_match(out_, end - at, distance);
        literals_ = end;
        return true;
    }

    // The same for a match of M1: of 2 bytes after 1 to 3 literals, of 3 bytes after more.
    bool put_short(std::uint32_t at, std::uint32_t length, std::uint32_t distance) noexcept {
        const std::uint32_t end = at + length;
        if (end >= border_) [[unlikely]] {
            run_.record_borders(end, {emitted(), literals_, at, distance});
            border_ = run_.next_border();
        }
        if (!put_literals(at, end)) return false;
        out_ = lzo::put_short_match(out_, length, distance);
        literals_ = end;
        return true;
    }

    void save(std::uint32_t position) noexcept {
        run_.position_ = position;
        run_.literals_ = literals_;
        run_.emitted_ = emitted();
    }

  private:
    std::uint32_t emitted() const noexcept { return static_cast<std::uint32_t>(out_ - begin_); }

    // The literals before a match of [at, end), if there is room for both.
    bool put_literals(std::uint32_t at, std::uint32_t end) noexcept {
        // Their heads take a byte for each 255 bytes of length.
        const std::uint32_t count = at - literals_;
        const std::uint32_t most = count + ((end - literals_) >> 7) + 2 * lzo::overshoot_bytes;
        if (static_cast<std::size_t>(end_ - out_) < most) [[unlikely]] {
            run_.full_ = true;
            return false;
        }
        out_ = lzo::put_literals(out_, out_ == begin_, in_ + literals_, count);
        return true;
    }

    LzoBorderEncoder& run_;
    const unsigned char* const in_;
    unsigned char* const begin_;
    const unsigned char* const end_;
    unsigned char* out_;
    std::uint32_t literals_;
    std::uint32_t border_;
};

// The encoder of a level.
std::unique_ptr<LzoBorderEncoder> make_lzo_border_encoder(Level level);

}  // namespace insitu
