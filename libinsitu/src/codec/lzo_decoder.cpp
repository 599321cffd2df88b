// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo_decoder.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include "codec/byte_words.hpp"

// Most tokens are decoded by decode_inside(), so far from both ends that it only has to see whether
// a distance is within what was decoded. What it does not know (lengths with further bytes, the end
// marker, tokens near the ends) it leaves to next(), which knows all.
//
// Which form a match has cannot be foreseen, so one table has them all, and nothing branches on it.
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

// Between a token and either end of what decode_inside() decodes: it reads a run or a match and the
// literals after it, and may overshoot by a step.
constexpr std::ptrdiff_t inside_bytes = 64;

enum class Token { ok, end, corrupt, overflow };

// What the first byte of a match says. Its distance is `base`, and of the two bytes that come next
// those under `mask`, times `factor` / 4.
struct MatchForm {
    std::uint16_t base = 0;
    std::uint16_t mask = 0;
    std::uint8_t factor = 0;
    std::uint8_t length = 0;  // 0: it takes further bytes to tell
    std::uint8_t token_bytes = 0;
    std::uint8_t literals_shift = 0;  // where in the token the literals after it are counted
};

constexpr MatchForm match_form(unsigned token, bool is_behind_run) noexcept {
    constexpr std::uint16_t one_byte = 0xff;
    constexpr std::uint16_t upper_bits = 0xfffc;
    const auto form = [](std::size_t base, std::uint16_t mask, unsigned factor, unsigned length) {
        const bool is_long = mask == upper_bits;
        return MatchForm{
            static_cast<std::uint16_t>(base),           mask,
            static_cast<std::uint8_t>(factor),          static_cast<std::uint8_t>(length),
            static_cast<std::uint8_t>(is_long ? 3 : 2), static_cast<std::uint8_t>(is_long ? 8 : 0)};
    };
    const auto with_length = [](unsigned bits) { return bits == 0 ? 0 : bits + 2; };
    if (token >= m2_token) return form(1 + (token >> 2 & 7), one_byte, 32, (token >> 5) + 1);
    if (token >= m3_token) return form(1, upper_bits, 1, with_length(token & 31));
    if (token >= m4_token) {
        return form(m4_distance + ((token & 8) << 11), upper_bits, 1, with_length(token & 7));
    }
    return is_behind_run ? form(1 + (token >> 2) + m1_behind_run_distance, one_byte, 16, 3)
                         : form(1 + (token >> 2), one_byte, 16, 2);
}

// Of all tokens, after a match and after a run.
constexpr std::array<MatchForm, 512> make_match_forms() noexcept {
    std::array<MatchForm, 512> forms;
    for (unsigned i = 0; i < forms.size(); ++i)
        forms[i] = match_form(i & 255, i > 255);
    return forms;
}

constexpr auto match_forms = make_match_forms();

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
        while (token == Token::ok) {
            decode_inside();
            token = next();
        }
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

    // Of at most 34 bytes, from a place where as many and a step more may be written.
    static void copy_inside(unsigned char* to, std::size_t distance, std::size_t length) noexcept {
        const unsigned char* const from = to - distance;
        if (distance >= step_bytes) [[likely]] {
            copy_step<step_bytes>(to, from);
            copy_step<step_bytes>(to + step_bytes, from + step_bytes);
            if (length > 2 * step_bytes) {
                copy_step<step_bytes>(to + 2 * step_bytes, from + 2 * step_bytes);
            }
        } else if (distance >= step_bytes / 2) {
            copy_steps<step_bytes / 2>(to, from, length);
        } else {
            copy_steps<1>(to, from, length);
        }
    }

    void decode_inside() noexcept {
        // Local copies: in registers.
        const unsigned char* in = in_;
        unsigned char* out = out_;
        unsigned before = literals_before_;
        while (in_end_ - in >= inside_bytes && out_end_ - out >= inside_bytes) {
            const std::uint32_t word = load_u32(in);
            const unsigned token = word & 0xff;
            if (token < m4_token && before == 0) {
                if (token == 0) break;
                copy_step<step_bytes>(out, in + 1);
                copy_step<step_bytes>(out + step_bytes, in + 1 + step_bytes);
                in += 1 + token + 3;
                out += token + 3;
                before = behind_run;
                continue;
            }
            const MatchForm form = match_forms[(before & behind_run) << 6 | token];
            const std::size_t distance = form.base + ((word >> 8 & form.mask) * form.factor >> 2);
            // Among those of this distance is the end marker.
            if (form.length == 0 || distance == m4_distance) break;
            if (distance > static_cast<std::size_t>(out - start_)) break;
            in += form.token_bytes;
            copy_inside(out, distance, form.length);
            out += form.length;
            before = word >> form.literals_shift & 3;
            copy_step<sizeof(std::uint32_t)>(out, in);
            out += before;
            in += before;
        }
        in_ = in;
        out_ = out;
        literals_before_ = before;
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
