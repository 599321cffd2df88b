// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo_decoder.hpp"

#include <cstdint>
#include <cstring>

namespace insitu {

namespace {

// A stream is a row of tokens: a match, or a run of literals. The low two bits of a match's last
// byte but one count the literals, 0 to 3, that follow it; where there are none, a token below 16
// is a run of literals, elsewhere a short match.
constexpr unsigned m2_token = 64;
constexpr unsigned m3_token = 32;
constexpr unsigned m4_token = 16;
constexpr std::size_t m1_behind_run_distance = 0x800;  // what a short match behind a run adds
constexpr std::size_t m4_distance = 0x4000;
constexpr unsigned first_run_token = 17;  // a first byte above it starts a run of its own
constexpr unsigned behind_run = 4;        // "literals before" of a token that follows a run
constexpr std::size_t end_length = 3;     // the match that the end marker looks like

// Copies go in steps that overshoot, where both sides have the room.
constexpr std::size_t step_bytes = 16;
constexpr std::size_t overshoot_bytes = 2 * step_bytes;

enum class Token { ok, end, corrupt, overflow };

template <std::size_t Bytes>
void copy_step(unsigned char* to, const unsigned char* from) noexcept {
    unsigned char step[Bytes];
    std::memcpy(step, from, Bytes);
    std::memcpy(to, step, Bytes);
}

template <std::size_t Step>
void copy_steps(unsigned char* to, const unsigned char* from, std::size_t length) noexcept {
    const unsigned char* const end = to + length;
    do {
        copy_step<Step>(to, from);
        to += Step;
        from += Step;
    } while (to < end);
}

class LzoReader {
  public:
    LzoReader(ByteView stream, ByteSpan output) noexcept
        : in_(reinterpret_cast<const unsigned char*>(stream.data())),
          in_end_(in_ + stream.size()),
          start_(reinterpret_cast<unsigned char*>(output.data())),
          out_(start_),
          out_end_(start_ + output.size()) {}

    DecodeResult run() noexcept {
        Token token = first_run();
        while (token == Token::ok)
            token = next();
        if (token == Token::overflow) return {DecodeStatus::overflow, 0};
        if (token != Token::end || in_ != in_end_) return {DecodeStatus::corrupt, 0};
        return {DecodeStatus::ok, static_cast<std::size_t>(out_ - start_)};
    }

  private:
    std::size_t in_left() const noexcept { return static_cast<std::size_t>(in_end_ - in_); }
    std::size_t out_left() const noexcept { return static_cast<std::size_t>(out_end_ - out_); }

    Token first_run() noexcept {
        if (in_left() == 0) return Token::corrupt;
        if (*in_ <= first_run_token) return Token::ok;
        const std::size_t count = *in_++ - first_run_token;
        literals_before_ = count < behind_run ? static_cast<unsigned>(count) : behind_run;
        return copy_literals(count);
    }

    // A length that its token had no room for: zeros of 255 each, then the rest.
    bool extend(std::size_t& length, std::size_t base) noexcept {
        const unsigned char* const zeros = in_;
        while (in_ != in_end_ && *in_ == 0)
            ++in_;
        if (in_ == in_end_) return false;
        const auto count = static_cast<std::size_t>(in_ - zeros);
        length = base + 255 * count + *in_++;
        return true;
    }

    Token copy_literals(std::size_t count) noexcept {
        if (in_left() < count) return Token::corrupt;
        if (out_left() < count) return Token::overflow;
        if (in_left() - count >= step_bytes && out_left() - count >= step_bytes) {
            copy_steps<step_bytes>(out_, in_, count);
        } else {
            std::memcpy(out_, in_, count);
        }
        in_ += count;
        out_ += count;
        return Token::ok;
    }

    // Copies a match, and the literals that its token counts.
    Token copy_match(std::size_t distance, std::size_t length) noexcept {
        if (distance > static_cast<std::size_t>(out_ - start_)) return Token::corrupt;
        if (out_left() < length + overshoot_bytes || in_left() < sizeof(std::uint32_t)) {
            return copy_match_near_end(distance, length);
        }
        const unsigned char* const from = out_ - distance;
        if (distance >= step_bytes) [[likely]] {
            copy_steps<step_bytes>(out_, from, length);
        } else if (distance >= step_bytes / 2) {
            copy_steps<step_bytes / 2>(out_, from, length);
        } else if (distance == 1) {
            std::memset(out_, *from, length);
        } else {
            copy_steps<1>(out_, from, length);
        }
        out_ += length;
        literals_before_ = in_[-2] & 3U;
        copy_step<sizeof(std::uint32_t)>(out_, in_);
        out_ += literals_before_;
        in_ += literals_before_;
        return Token::ok;
    }

    Token copy_match_near_end(std::size_t distance, std::size_t length) noexcept {
        if (out_left() < length) return Token::overflow;
        copy_steps<1>(out_, out_ - distance, length);
        out_ += length;
        literals_before_ = in_[-2] & 3U;
        return copy_literals(literals_before_);
    }

    Token next() noexcept {
        if (in_left() < 2) return Token::corrupt;
        const unsigned token = *in_++;
        if (token >= m2_token) {
            const std::size_t distance = 1 + (token >> 2 & 7) + (std::size_t{*in_++} << 3);
            return copy_match(distance, (token >> 5) + 1);
        }
        if (token >= m4_token) return far_match(token);
        if (literals_before_ == 0) return literal_run(token);
        const std::size_t distance = 1 + (token >> 2) + (std::size_t{*in_++} << 2);
        if (literals_before_ == behind_run) return copy_match(distance + m1_behind_run_distance, 3);
        return copy_match(distance, 2);
    }

    Token literal_run(unsigned token) noexcept {
        std::size_t count = token;
        if (count == 0 && !extend(count, 15)) return Token::corrupt;
        literals_before_ = behind_run;
        return copy_literals(count + 3);
    }

    Token far_match(unsigned token) noexcept {
        const bool m3 = token >= m3_token;
        const unsigned longest = m3 ? 31 : 7;
        std::size_t length = token & longest;
        if (length == 0 && !extend(length, longest)) return Token::corrupt;
        length += 2;
        if (in_left() < 2) return Token::corrupt;
        const std::size_t back = (in_[0] | std::size_t{in_[1]} << 8) >> 2;
        in_ += 2;
        if (m3) return copy_match(1 + back, length);
        const std::size_t distance = m4_distance + (std::size_t{token & 8} << 11) + back;
        if (distance != m4_distance) return copy_match(distance, length);
        return length == end_length ? Token::end : Token::corrupt;
    }

    const unsigned char* in_;
    const unsigned char* in_end_;
    unsigned char* start_;
    unsigned char* out_;
    unsigned char* out_end_;
    unsigned literals_before_ = 0;  // of the token to come; behind_run after a run
};

}  // namespace

DecodeResult decode_lzo(ByteView stream, ByteSpan output) noexcept {
    return LzoReader(stream, output).run();
}

}  // namespace insitu
