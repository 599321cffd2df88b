// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_estimate.hpp"

#include <bit>

namespace insitu::deflate {

namespace {

// log2 in units of 1/4096, of 256 mantissas: integers, so that each machine decides the same.
constexpr unsigned mantissa_bits = 8;

constexpr std::array<std::uint16_t, 1U << mantissa_bits> make_logarithms() {
    std::array<std::uint16_t, 1U << mantissa_bits> logs{};
    for (std::uint64_t i = 0; i < logs.size(); ++i) {
        // 1.m, squared again and again: each time it passes 2, a bit of the logarithm is 1.
        std::uint64_t value = ((std::uint64_t{1} << mantissa_bits) + i) << (30 - mantissa_bits);
        unsigned log = 0;
        for (unsigned bit = 0; bit < log_bits; ++bit) {
            value = value * value >> 30;
            log <<= 1;
            if (value >= std::uint64_t{2} << 30) {
                log |= 1;
                value >>= 1;
            }
        }
        logs[i] = static_cast<std::uint16_t>(log);
    }
    return logs;
}

constexpr auto logarithms = make_logarithms();

std::uint64_t times_log(std::uint32_t value) noexcept {
    return std::uint64_t{value} * log2_of(value);
}

// Most counts are small.
constexpr std::uint32_t known_products = 512;

const std::array<std::uint32_t, known_products>& products() noexcept {
    static const auto table = [] {
        std::array<std::uint32_t, known_products> values{};
        for (std::uint32_t value = 0; value < known_products; ++value)
            values[value] = static_cast<std::uint32_t>(times_log(value));
        return values;
    }();
    return table;
}

template <std::size_t Size>
std::uint64_t estimated_bits(const std::array<std::uint32_t, Size>& counts) noexcept {
    constexpr std::uint64_t bits_of_description = 3;  // of a symbol that occurs
    std::uint32_t sum = 0;
    std::uint64_t parts = 0;
    std::uint64_t used = 0;
    const auto& known = products();
    for (const std::uint32_t count : counts) {
        sum += count;
        parts += count < known_products ? known[count] : times_log(count);
        used += count != 0 ? 1 : 0;
    }
    return ((times_log(sum) - parts) >> log_bits) + bits_of_description * used;
}

}  // namespace

std::uint32_t log2_of(std::uint32_t value) noexcept {
    if (value < 2) return 0;
    const unsigned top = 31U - static_cast<unsigned>(std::countl_zero(value));
    const std::uint32_t mantissa =
        (top >= mantissa_bits ? value >> (top - mantissa_bits) : value << (mantissa_bits - top)) &
        ((1U << mantissa_bits) - 1);
    return (top << log_bits) + logarithms[mantissa];
}

std::uint64_t estimated_bits(const SymbolCounts& counts) noexcept {
    constexpr std::uint64_t bits_of_block = 90;
    return bits_of_block + estimated_bits(counts.literal) + estimated_bits(counts.distance);
}

std::uint64_t extra_bits(const SymbolCounts& counts) noexcept {
    std::uint64_t bits = 0;
    for (unsigned slot = 0; slot < length_slots.size(); ++slot) {
        bits += std::uint64_t{counts.literal[first_length_symbol + slot]} *
                length_slots[slot].extra_bits;
    }
    for (unsigned slot = 0; slot < distance_symbols; ++slot)
        bits += std::uint64_t{counts.distance[slot]} * distance_slots[slot].extra_bits;
    return bits;
}

}  // namespace insitu::deflate
