#include "codec/lzo_border_encoder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace insitu {

namespace {

// The numbers of LZO1X: tokens M2 (2 bytes), M3 and M4 (3 bytes and more), and runs of literals.
constexpr std::uint32_t m2_distance = 0x800;
constexpr std::uint32_t m2_length = 8;
constexpr std::uint32_t m3_distance = 0x4000;
constexpr std::uint32_t m3_length = 33;
constexpr std::uint32_t m4_distance = 0xbfff;
constexpr std::uint32_t m4_length = 9;
constexpr std::uint32_t m3_code = 0x20;
constexpr std::uint32_t m4_code = 0x10;
constexpr std::uint32_t first_literals = 238;  // a stream's first run in a head of one byte
constexpr std::uint32_t end_marker_bytes = 3;

constexpr std::uint32_t margin_bytes = 16;  // no match starts so near the end of the input
constexpr unsigned skip_bits = 5;           // without a match for 32 bytes, steps grow

std::uint32_t load32(const unsigned char* from) noexcept {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

std::uint64_t load64(const unsigned char* from) noexcept {
    std::uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

// Bytes that two places have in common, where `limit` bytes can be read at `later`.
std::uint32_t common_bytes(const unsigned char* later, const unsigned char* earlier,
                           std::uint32_t limit) noexcept {
    std::uint32_t length = 0;
    if constexpr (std::endian::native == std::endian::little) {
        for (; length + sizeof(std::uint64_t) <= limit; length += sizeof(std::uint64_t)) {
            const std::uint64_t differs = load64(later + length) ^ load64(earlier + length);
            if (differs == 0) continue;
            return length + static_cast<std::uint32_t>(std::countr_zero(differs)) / 8;
        }
    }
    while (length < limit && later[length] == earlier[length])
        ++length;
    return length;
}

unsigned char* put_extension(unsigned char* out, std::uint32_t value) noexcept {
    for (; value > 255; value -= 255)
        *out++ = 0;
    *out++ = static_cast<unsigned char>(value);
    return out;
}

// The head of a run of literals; up to 3 stand in the low bits of the token before.
unsigned char* put_literal_head(unsigned char* out, bool first, std::uint32_t count) noexcept {
    if (first && count <= first_literals) {
        *out++ = static_cast<unsigned char>(17 + count);
    } else if (count <= 3) {
        out[-2] = static_cast<unsigned char>(out[-2] | count);
    } else if (count <= 18) {
        *out++ = static_cast<unsigned char>(count - 3);
    } else {
        *out++ = 0;
        out = put_extension(out, count - 18);
    }
    return out;
}

std::uint32_t literal_cost(bool first, std::uint32_t count) noexcept {
    if (count == 0) return 0;
    if (first && count <= first_literals) return 1 + count;
    if (count <= 3) return count;
    if (count <= 18) return 1 + count;
    return 2 + (count - 18 - 1) / 255 + count;
}

// Copies by 16 bytes: both sides have that much room behind the run.
unsigned char* put_literals(unsigned char* out, bool first, const unsigned char* from,
                            std::uint32_t count) noexcept {
    if (count == 0) return out;
    out = put_literal_head(out, first, count);
    for (std::uint32_t done = 0; done < count; done += margin_bytes) {
        std::memcpy(out + done, from + done, margin_bytes);
    }
    return out + count;
}

unsigned char* put_match(unsigned char* out, std::uint32_t length,
                         std::uint32_t distance) noexcept {
    if (distance <= m2_distance && length <= m2_length) {
        const std::uint32_t back = distance - 1;
        *out++ = static_cast<unsigned char>((length - 1) << 5 | (back & 7) << 2);
        *out++ = static_cast<unsigned char>(back >> 3);
        return out;
    }
    const bool near = distance <= m3_distance;
    const std::uint32_t back = near ? distance - 1 : distance - m3_distance;
    const std::uint32_t longest = near ? m3_length : m4_length;
    const std::uint32_t code = near ? m3_code : m4_code | (back >> 14 & 1) << 3;
    if (length <= longest) {
        *out++ = static_cast<unsigned char>(code | (length - 2));
    } else {
        *out++ = static_cast<unsigned char>(code);
        out = put_extension(out, length - longest);
    }
    *out++ = static_cast<unsigned char>(back << 2);
    *out++ = static_cast<unsigned char>(back >> 6);
    return out;
}

std::uint32_t match_cost(std::uint32_t length, std::uint32_t distance) noexcept {
    if (distance <= m2_distance && length <= m2_length) return 2;
    const std::uint32_t longest = distance <= m3_distance ? m3_length : m4_length;
    return length <= longest ? 3 : 4 + (length - longest - 1) / 255;
}

}  // namespace

bool LzoBorderEncoder::keeps_match(const Checkpoint& checkpoint, std::uint32_t end) noexcept {
    if (checkpoint.distance == 0 || checkpoint.match >= end) return false;
    const std::uint32_t shortest = checkpoint.distance <= m2_distance ? 3 : 4;
    return end - checkpoint.match >= shortest;
}

void LzoBorderEncoder::start(ByteView run, ByteSpan output) noexcept {
    table_->fill(0);
    input_ = reinterpret_cast<const unsigned char*>(run.data());
    input_bytes_ = static_cast<std::uint32_t>(run.size());
    output_ = reinterpret_cast<unsigned char*>(output.data());
    position_ = 1;  // a stream begins with a literal
    literals_ = 0;
    output_bytes_ = 0;
    borders_ = 0;
}

void LzoBorderEncoder::advance(unsigned blocks) noexcept {
    const auto stop = static_cast<std::uint32_t>(blocks * block_bytes);
    const std::uint32_t last = std::min(stop, input_bytes_ - margin_bytes);
    auto border = static_cast<std::uint32_t>((borders_ + 1) * block_bytes);
    const unsigned char* const in = input_;
    unsigned char* out = output_ + output_bytes_;
    std::uint32_t at = position_;
    std::uint32_t literals = literals_;
    Table& table = *table_;

    while (at < last) {
        const std::uint32_t value = load32(in + at);
        std::uint16_t& entry = table[hash(value)];
        // Positions are kept modulo 64 Ki; the table was cleared, so the difference never points
        // before the start of the run.
        const std::uint32_t distance = static_cast<std::uint16_t>(at - entry);
        entry = static_cast<std::uint16_t>(at);
        if (load32(in + at - distance) != value || distance - 1 >= m4_distance) [[likely]] {
            at += 1 + ((at - literals) >> skip_bits);
            continue;
        }
        std::uint32_t match = at;
        std::uint32_t end =
            at + 4 + common_bytes(in + at + 4, in + at + 4 - distance, input_bytes_ - at - 4);
        while (match > literals && match > distance && in[match - 1] == in[match - 1 - distance]) {
            --match;
        }
        for (; end >= border; border += block_bytes) {
            checkpoints_[borders_++] = {static_cast<std::uint32_t>(out - output_), literals, match,
                                        distance};
        }
        out = put_literals(out, out == output_, in + literals, match - literals);
        out = put_match(out, end - match, distance);
        at = literals = end;
        if (at < last) table[hash(load32(in + at - 2))] = static_cast<std::uint16_t>(at - 2);
    }
    for (; border <= stop; border += block_bytes) {
        checkpoints_[borders_++] = {static_cast<std::uint32_t>(out - output_), literals, 0, 0};
    }
    position_ = at;
    literals_ = literals;
    output_bytes_ = static_cast<std::uint32_t>(out - output_);
}

std::uint32_t LzoBorderEncoder::length_bytes(unsigned blocks) const noexcept {
    const Checkpoint& checkpoint = checkpoints_[blocks - 1];
    const auto end = static_cast<std::uint32_t>(blocks * block_bytes);
    std::uint32_t length = checkpoint.output;
    std::uint32_t literals = checkpoint.literals;
    if (keeps_match(checkpoint, end)) {
        length += literal_cost(length == 0, checkpoint.match - literals) +
                  match_cost(end - checkpoint.match, checkpoint.distance);
        literals = end;
    }
    return length + literal_cost(length == 0, end - literals) + end_marker_bytes;
}

std::uint32_t LzoBorderEncoder::finish(unsigned blocks) noexcept {
    const Checkpoint& checkpoint = checkpoints_[blocks - 1];
    const auto end = static_cast<std::uint32_t>(blocks * block_bytes);
    unsigned char* out = output_ + checkpoint.output;
    std::uint32_t literals = checkpoint.literals;
    // The token before may already carry the count of literals that are no longer to follow.
    if (out != output_) out[-2] &= 0xfc;
    if (keeps_match(checkpoint, end)) {
        out = put_literals(out, out == output_, input_ + literals, checkpoint.match - literals);
        out = put_match(out, end - checkpoint.match, checkpoint.distance);
        literals = end;
    }
    if (literals < end) {
        const std::uint32_t count = end - literals;
        out = put_literal_head(out, out == output_, count);
        std::memcpy(out, input_ + literals, count);
        out += count;
    }
    *out++ = m4_code | 1;
    *out++ = 0;
    *out++ = 0;
    return static_cast<std::uint32_t>(out - output_);
}

}  // namespace insitu
