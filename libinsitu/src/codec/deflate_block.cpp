// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_block.hpp"

#include <algorithm>

namespace insitu::deflate {

namespace {

constexpr std::uint32_t longest_stored = 65535;
static_assert(4 * longest_code <= BitWriter::bits_between_flushes);

// The codes of a block as they are sent: description and lengths, run by run.
class Description {
  public:
    explicit Description(const Codes& codes) noexcept {
        literal_count_ = used(codes.literal_lengths, 257);
        distance_count_ = used(codes.distance_lengths, 1);
        std::copy_n(codes.literal_lengths.begin(), literal_count_, lengths_.begin());
        std::copy_n(codes.distance_lengths.begin(), distance_count_,
                    lengths_.begin() + literal_count_);
        collect_runs();
        huffman::make_lengths(counts_, longest_precode, precode_lengths_);
        precode_count_ = precode_symbols;
        while (precode_count_ > 4 && precode_lengths_[precode_order[precode_count_ - 1]] == 0)
            --precode_count_;
    }

    std::uint64_t bits() const noexcept {
        std::uint64_t sum = 14 + 3 * precode_count_;
        for (unsigned symbol = 0; symbol < precode_symbols; ++symbol)
            sum += std::uint64_t{counts_[symbol]} * (precode_lengths_[symbol] + extra_bits(symbol));
        return sum;
    }

    void write(BitWriter& out) const noexcept {
        std::array<std::uint16_t, precode_symbols> codes{};
        huffman::make_codes(precode_lengths_, codes);
        out.add(literal_count_ - 257, 5);
        out.add(distance_count_ - 1, 5);
        out.add(precode_count_ - 4, 4);
        out.flush();
        for (unsigned i = 0; i < precode_count_; ++i) {
            out.add(precode_lengths_[precode_order[i]], 3);
            out.flush();
        }
        for (unsigned i = 0; i < run_count_; ++i) {
            const Run run = runs_[i];
            out.add(codes[run.symbol], precode_lengths_[run.symbol]);
            out.add(run.extra, extra_bits(run.symbol));
            out.flush();
        }
    }

  private:
    static constexpr unsigned repeat_symbol = 16;      // 3..6 times the length before
    static constexpr unsigned zeros_symbol = 17;       // 3..10 zeros
    static constexpr unsigned many_zeros_symbol = 18;  // 11..138 zeros

    struct Run {
        std::uint8_t symbol;
        std::uint8_t extra;
    };

    static constexpr unsigned extra_bits(unsigned symbol) noexcept {
        if (symbol == many_zeros_symbol) return 7;
        if (symbol == zeros_symbol) return 3;
        return symbol == repeat_symbol ? 2 : 0;
    }

    static unsigned used(std::span<const std::uint8_t> lengths, unsigned least) noexcept {
        auto count = static_cast<unsigned>(lengths.size());
        while (count > least && lengths[count - 1] == 0)
            --count;
        return count;
    }

    void put(unsigned symbol, unsigned extra) noexcept {
        runs_[run_count_++] = {static_cast<std::uint8_t>(symbol), static_cast<std::uint8_t>(extra)};
        ++counts_[symbol];
    }

    void collect_runs() noexcept {
        const unsigned end = literal_count_ + distance_count_;
        for (unsigned at = 0; at < end;) {
            const std::uint8_t length = lengths_[at];
            unsigned run = 1;
            while (at + run < end && lengths_[at + run] == length)
                ++run;
            at += run;
            if (length != 0) {
                put(length, 0);
                --run;
            }
            while (run >= 3)
                run -= put_run(length, run);
            for (; run > 0; --run)
                put(length, 0);
        }
    }

    unsigned put_run(std::uint8_t length, unsigned run) noexcept {
        if (length != 0) {
            const unsigned part = std::min(run, 6U);
            put(repeat_symbol, part - 3);
            return part;
        }
        if (run <= 10) {
            put(zeros_symbol, run - 3);
            return run;
        }
        const unsigned part = std::min(run, 138U);
        put(many_zeros_symbol, part - 11);
        return part;
    }

    unsigned literal_count_ = 0;
    unsigned distance_count_ = 0;
    unsigned precode_count_ = 0;
    unsigned run_count_ = 0;
    std::array<std::uint8_t, literal_symbols + distance_symbols> lengths_{};
    std::array<Run, literal_symbols + distance_symbols> runs_;
    std::array<std::uint32_t, precode_symbols> counts_{};
    std::array<std::uint8_t, precode_symbols> precode_lengths_{};
};

constexpr Codes make_fixed_codes() noexcept {
    Codes codes{};
    for (unsigned symbol = 0; symbol < huffman::most_symbols; ++symbol) {
        codes.literal_lengths[symbol] = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
    }
    codes.distance_lengths.fill(5);
    return codes;
}

// Writes tokens. Both halves of a token are looked up, and an extra that is not there has no bits.
class TokenWriter {
  public:
    TokenWriter(const Codes& codes, const std::uint16_t* literal_codes,
                const std::uint16_t* distance_codes) noexcept {
        for (unsigned byte = 0; byte < first_length; ++byte) {
            const std::uint16_t count = codes.literal_lengths[byte];
            firsts_[byte] = {literal_codes[byte], count};
            seconds_[second_literal + byte] = {literal_codes[byte], 0, count};
        }
        for (unsigned length = shortest_match; length <= longest_match; ++length) {
            const Slot slot = length_slots[slots_of_lengths[length]];
            const unsigned symbol = first_length_symbol + slots_of_lengths[length];
            const unsigned count = codes.literal_lengths[symbol];
            firsts_[first_length + length - shortest_match] = {
                literal_codes[symbol] | (length - slot.base) << count, count + slot.extra_bits};
        }
        for (unsigned slot = 0; slot < distance_symbols; ++slot) {
            const std::uint16_t count = codes.distance_lengths[slot];
            seconds_[slot] = {distance_codes[slot], count,
                              static_cast<std::uint16_t>(count + distance_slots[slot].extra_bits)};
        }
        end_ = {literal_codes[end_symbol], codes.literal_lengths[end_symbol]};
    }

    // `bits` of them.
    void write(BitWriter& out, std::span<const Token> tokens, std::uint64_t bits) const noexcept {
        if (out.has_room(bits)) {
            write_inside(out, tokens);
        } else {
            write_any(out, tokens, flush_any);
        }
    }

  private:
    struct Bits {
        std::uint32_t bits = 0;
        std::uint32_t count = 0;
    };

    // Of a distance, the code; of a literal, all.
    struct Second {
        std::uint32_t bits = 0;
        std::uint16_t code_bits = 0;
        std::uint16_t count = 0;  // with extra bits
    };

    template <class Flush>
    [[gnu::always_inline]] inline void write_any(BitWriter& to, std::span<const Token> tokens,
                                                 Flush flush) const noexcept {
        BitWriter out = to;  // a local copy: in registers
        for (const Token token : tokens) {
            // At most 14 + 5 + 14 + 13 bits. (With operator[] g++ 12 warns on s390x: it takes one
            // table for a part of the other.)
            // NOLINTBEGIN(readability-simplify-subscript-expr)
            const Bits first = firsts_.data()[first_of(token)];
            const Second second = seconds_.data()[second_of(token)];
            // NOLINTEND(readability-simplify-subscript-expr)
            out.add(first.bits, first.count);
            out.add(second.bits | std::uint64_t{extra_of(token)} << second.code_bits, second.count);
            flush(out);
        }
        out.add(end_.bits, end_.count);
        flush(out);
        to = out;
    }

    static void flush_any(BitWriter& out) noexcept { out.flush(); }
    static void flush_inside(BitWriter& out) noexcept { out.flush_inside(); }

    void write_inside(BitWriter& out, std::span<const Token> tokens) const noexcept {
#ifdef __x86_64__
        static const bool has_bmi2 = __builtin_cpu_supports("bmi2") != 0;
        if (has_bmi2) return write_with_bmi2(out, tokens);
#endif
        write_any(out, tokens, flush_inside);
    }

#ifdef __x86_64__
    // The same bits: a shift by a variable number is one instruction instead of three.
    [[gnu::target("bmi2")]] void write_with_bmi2(BitWriter& out,
                                                 std::span<const Token> tokens) const noexcept {
        write_any(out, tokens, flush_inside);
    }
#endif

    std::array<Bits, first_values> firsts_;
    std::array<Second, second_values> seconds_;
    Bits end_;
};

// The bits of a stored block, in pieces, from a place that is `position` bits into a byte.
std::uint64_t stored_bits(std::uint64_t position, std::uint32_t bytes) noexcept {
    const std::uint64_t pieces = std::max<std::uint64_t>(1, ceil_div(bytes, longest_stored));
    const std::uint64_t padding = (8 - (position + 3) % 8) % 8;
    return 3 + padding + 32 + (pieces - 1) * 40 + std::uint64_t{8} * bytes;
}

void write_stored(BitWriter& out, const Block& block, Position position) noexcept {
    for (std::uint32_t at = 0;;) {
        const std::uint32_t piece = std::min(block.input_bytes - at, longest_stored);
        const bool last = at + piece == block.input_bytes;
        out.add(last && position == Position::last ? 1 : 0, 1);
        out.add(stored_block, 2);
        out.align();
        out.add(piece, 16);
        out.add(piece ^ 0xffffU, 16);
        out.align();
        out.copy(block.input + at, piece);
        at += piece;
        if (last) return;
    }
}

void write_symbols(BitWriter& out, const Block& block, const Codes& codes,
                   std::uint64_t bits) noexcept {
    std::array<std::uint16_t, huffman::most_symbols> literal_codes{};
    std::array<std::uint16_t, distance_symbols> distance_codes{};
    huffman::make_codes(codes.literal_lengths, literal_codes);
    huffman::make_codes(codes.distance_lengths, distance_codes);
    TokenWriter(codes, literal_codes.data(), distance_codes.data()).write(out, block.tokens, bits);
}

// With the end of the block, without what describes the codes.
std::uint64_t symbols_bits(const SymbolCounts& counts, const Codes& codes) noexcept {
    std::uint64_t bits = codes.literal_lengths[end_symbol];
    for (unsigned symbol = 0; symbol < literal_symbols; ++symbol)
        bits += std::uint64_t{counts.literal[symbol]} * codes.literal_lengths[symbol];
    for (unsigned slot = 0; slot < length_slots.size(); ++slot) {
        bits += std::uint64_t{counts.literal[first_length_symbol + slot]} *
                length_slots[slot].extra_bits;
    }
    for (unsigned slot = 0; slot < distance_symbols; ++slot) {
        bits += std::uint64_t{counts.distance[slot]} *
                (codes.distance_lengths[slot] + distance_slots[slot].extra_bits);
    }
    return bits;
}

}  // namespace

void SymbolCounts::add(const SymbolCounts& other) noexcept {
    for (unsigned symbol = 0; symbol < literal_symbols; ++symbol)
        literal[symbol] += other.literal[symbol];
    for (unsigned slot = 0; slot < distance_symbols; ++slot)
        distance[slot] += other.distance[slot];
}

void SymbolCounts::remove(Token token) noexcept {
    const unsigned first = first_of(token);
    const unsigned second = second_of(token);
    if (first >= first_length) {
        --literal[first_length_symbol + slots_of_lengths[length_of(token)]];
        --distance[second];
        return;
    }
    --literal[first];
    if (second >= second_literal) --literal[second - second_literal];
}

Codes make_codes(const SymbolCounts& counts) noexcept {
    Codes codes;
    auto literal = counts.literal;
    literal[end_symbol] = 1;
    huffman::make_lengths(literal, longest_code, codes.literal_lengths);
    huffman::make_lengths(counts.distance, longest_code, codes.distance_lengths);
    return codes;
}

void write_block(BitWriter& out, const Block& block, const SymbolCounts& counts,
                 Position position) noexcept {
    static constexpr Codes fixed_codes = make_fixed_codes();
    const Codes codes = make_codes(counts);
    const Description description(codes);
    const std::uint64_t dynamic_bits = 3 + description.bits() + symbols_bits(counts, codes);
    const std::uint64_t fixed_bits = 3 + symbols_bits(counts, fixed_codes);
    if (stored_bits(out.size_bits(), block.input_bytes) <= std::min(dynamic_bits, fixed_bits)) {
        return write_stored(out, block, position);
    }
    out.add(position == Position::last ? 1 : 0, 1);
    if (fixed_bits <= dynamic_bits) {
        out.add(fixed_block, 2);
        write_symbols(out, block, fixed_codes, fixed_bits);
    } else {
        out.add(dynamic_block, 2);
        description.write(out);
        write_symbols(out, block, codes, dynamic_bits);
    }
}

}  // namespace insitu::deflate
