// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "codec/deflate_block.hpp"

// What symbols take, without making codes for them. In integers: each machine decides the same.
namespace insitu::deflate {

// log2 in units of 2^-log_bits; 0 for 0.
constexpr unsigned log_bits = 12;
std::uint32_t log2_of(std::uint32_t value) noexcept;

// The bits of a block of these symbols, but for extra bits: those are the same however it is cut.
std::uint64_t estimated_bits(const SymbolCounts& counts) noexcept;
// The extra bits of its lengths and distances.
std::uint64_t extra_bits(const SymbolCounts& counts) noexcept;

}  // namespace insitu::deflate
