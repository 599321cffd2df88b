// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>

namespace insitu::huffman {

constexpr unsigned most_symbols = 288;

// The lengths of a prefix code that is least, or nearly so, for these counts, none longer than
// `longest` bits (at most 15). A symbol that does not occur gets length 0; if fewer than two occur,
// two symbols get length 1, as some decoders take no other code. Up to most_symbols counts, whose
// sum is below 2^23.
void make_lengths(std::span<const std::uint32_t> counts, unsigned longest,
                  std::span<std::uint8_t> lengths) noexcept;

// The canonical code of these lengths, its bits in the order in which deflate sends them.
void make_codes(std::span<const std::uint8_t> lengths, std::span<std::uint16_t> codes) noexcept;

}  // namespace insitu::huffman
