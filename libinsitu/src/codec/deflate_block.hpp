// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "codec/bit_writer.hpp"
#include "codec/deflate_tokens.hpp"
#include "codec/huffman_code.hpp"

namespace insitu::deflate {

// A part of an extent that gets codes of its own: its bytes, and what they are sent as.
struct Block {
    const unsigned char* input = nullptr;
    std::uint32_t input_bytes = 0;
    std::span<const Token> tokens;
};

struct Codes {
    std::array<std::uint8_t, huffman::most_symbols> literal_lengths{};  // two more: of fixed codes
    std::array<std::uint8_t, distance_symbols> distance_lengths{};
};

// The best codes for these counts and one end of a block.
Codes make_codes(const SymbolCounts& counts) noexcept;

// Writes a block in the form that takes least: stored, with the fixed codes or with its own.
enum class Position { inside, last };
void write_block(BitWriter& out, const Block& block, const SymbolCounts& counts,
                 Position position) noexcept;

}  // namespace insitu::deflate
