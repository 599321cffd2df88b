// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "codec/deflate_format.hpp"

// What a block is sent as: a row of tokens, each a match, a literal or two literals. They all look
// alike, so that they are counted and written without a branch that depends on the bytes:
//
//   bits 0 .. 8    a literal; or 256 and the length of a match, less the shortest
//   bits 9 .. 17   the slot of a distance; or second_literal and a literal; or nothing_second
//   bits 18 .. 30  the extra bits of a distance
namespace insitu::deflate {

using Token = std::uint32_t;

constexpr unsigned first_bits = 9;
constexpr unsigned second_bits = 9;
constexpr unsigned extra_place = first_bits + second_bits;
constexpr unsigned first_values = 512;
constexpr unsigned first_length = 256;
constexpr unsigned nothing_second = 31;
constexpr unsigned second_literal = 32;
constexpr unsigned second_values = second_literal + 256;

// How often each symbol occurs in a block, without its end.
struct SymbolCounts {
    std::array<std::uint32_t, literal_symbols> literal{};
    std::array<std::uint32_t, distance_symbols> distance{};

    void add(const SymbolCounts& other) noexcept;
    void remove(Token token) noexcept;
};

constexpr unsigned first_of(Token token) noexcept {
    return token & (first_values - 1);
}
constexpr unsigned second_of(Token token) noexcept {
    return token >> first_bits & ((1U << second_bits) - 1);
}
constexpr unsigned extra_of(Token token) noexcept {
    return token >> extra_place;
}

// Of one piece: 3 to 258 bytes.
constexpr Token match_token(std::uint32_t length, std::uint32_t distance) noexcept {
    const auto [slot, extra] = split_distance(distance);
    return (first_length + length - shortest_match) | slot << first_bits | extra << extra_place;
}
constexpr Token literal_token(unsigned char byte) noexcept {
    return byte | nothing_second << first_bits;
}
constexpr Token literals_token(unsigned char first, unsigned char second) noexcept {
    return first | (second_literal + second) << first_bits;
}

// The bytes that a token stands for.
constexpr std::uint32_t length_of(Token token) noexcept {
    const unsigned first = first_of(token);
    if (first >= first_length) return first - first_length + shortest_match;
    return second_of(token) >= second_literal ? 2 : 1;
}
constexpr std::uint32_t distance_of(Token token) noexcept {
    return distance_slots[second_of(token)].base + extra_of(token);
}

// Appends tokens to a row and counts their symbols. A loop keeps a copy in registers.
class TokenSink {
  public:
    TokenSink() = default;
    TokenSink(Token* out, SymbolCounts* counts) noexcept : out_(out), counts_(counts) {}

    Token* end() const noexcept { return out_; }

    void put_literal(unsigned char byte) noexcept {
        *out_++ = literal_token(byte);
        ++counts_->literal[byte];
    }
    void put_literals(unsigned char first, unsigned char second) noexcept {
        *out_++ = literals_token(first, second);
        ++counts_->literal[first];
        ++counts_->literal[second];
    }
    // The literal, if there is one.
    void put_literal_if(std::uint32_t is_there, unsigned char byte) noexcept {
        *out_ = literal_token(byte);
        out_ += is_there;
        counts_->literal[byte] += is_there;
    }
    void put_literals(const unsigned char* from, std::uint32_t count) noexcept {
        for (; count >= 2; count -= 2, from += 2)
            put_literals(from[0], from[1]);
        if (count != 0) put_literal(*from);
    }
    // Of any length from 3 on.
    void put_match(std::uint32_t length, std::uint32_t distance) noexcept {
        while (length > longest_match)
            [[unlikely]] {
                // What is left is a match, too.
                const std::uint32_t piece =
                    std::min<std::uint32_t>(longest_match, length - shortest_match);
                put_piece(piece, distance);
                length -= piece;
            }
        put_piece(length, distance);
    }

  private:
    void put_piece(std::uint32_t length, std::uint32_t distance) noexcept {
        const Token token = match_token(length, distance);
        *out_++ = token;
        ++counts_->literal[first_length_symbol + slots_of_lengths[length]];
        ++counts_->distance[second_of(token)];
    }

    Token* out_ = nullptr;
    SymbolCounts* counts_ = nullptr;
};

}  // namespace insitu::deflate
