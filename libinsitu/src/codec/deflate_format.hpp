// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>

// The numbers of deflate (RFC 1951): symbols of lengths and distances, and their extra bits.
namespace insitu::deflate {

constexpr unsigned shortest_match = 3;
constexpr unsigned longest_match = 258;
constexpr unsigned end_symbol = 256;
constexpr unsigned first_length_symbol = 257;
constexpr unsigned literal_symbols = 286;  // with the end and the lengths
constexpr unsigned distance_symbols = 30;
constexpr unsigned precode_symbols = 19;
constexpr unsigned longest_code = 14;  // one less than is allowed: four fit a word
constexpr unsigned longest_precode = 7;
constexpr unsigned widest_window = 32768;

enum BlockType : unsigned { stored_block = 0, fixed_block = 1, dynamic_block = 2 };

struct Slot {
    std::uint16_t base;
    std::uint8_t extra_bits;
};

// Lengths 3..258 in 29 slots: 8 without extra bits, then four of each width. 258 has its own.
constexpr std::array<Slot, 29> make_length_slots() {
    std::array<Slot, 29> slots{};
    unsigned base = shortest_match;
    for (unsigned slot = 0; slot < 28; ++slot) {
        const unsigned extra = slot < 8 ? 0 : slot / 4 - 1;
        slots[slot] = {static_cast<std::uint16_t>(base), static_cast<std::uint8_t>(extra)};
        base += 1U << extra;
    }
    slots[28] = {longest_match, 0};
    return slots;
}

// Distances 1..32768 in 30 slots: 4 without extra bits, then two of each width.
constexpr std::array<Slot, distance_symbols> make_distance_slots() {
    std::array<Slot, distance_symbols> slots{};
    unsigned base = 1;
    for (unsigned slot = 0; slot < distance_symbols; ++slot) {
        const unsigned extra = slot < 4 ? 0 : slot / 2 - 1;
        slots[slot] = {static_cast<std::uint16_t>(base), static_cast<std::uint8_t>(extra)};
        base += 1U << extra;
    }
    return slots;
}

inline constexpr auto length_slots = make_length_slots();
inline constexpr auto distance_slots = make_distance_slots();

constexpr std::array<std::uint8_t, longest_match + 1> make_slots_of_lengths() {
    std::array<std::uint8_t, longest_match + 1> slots{};
    for (unsigned slot = 0; slot < length_slots.size(); ++slot) {
        const unsigned end =
            slot + 1 < length_slots.size() ? length_slots[slot + 1].base : longest_match + 1;
        for (unsigned length = length_slots[slot].base; length < end; ++length)
            slots[length] = static_cast<std::uint8_t>(slot);
    }
    return slots;
}

inline constexpr auto slots_of_lengths = make_slots_of_lengths();

// The slot of a distance: its two leading bits and how many follow them, which are sent as they
// are.
struct DistanceSlot {
    unsigned slot;
    unsigned extra;
};
constexpr DistanceSlot split_distance(unsigned distance) noexcept {
    const unsigned back = distance - 1;
    // Two bits at least, so that nothing depends on how near it is.
    const unsigned extra_bits = (31U ^ static_cast<unsigned>(__builtin_clz(back | 2))) - 1;
    return {2 * extra_bits + (back >> extra_bits), back & ((1U << extra_bits) - 1)};
}
constexpr unsigned distance_slot(unsigned distance) noexcept {
    return split_distance(distance).slot;
}

// The order in which the lengths of the precode are sent.
inline constexpr std::array<std::uint8_t, precode_symbols> precode_order{
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

}  // namespace insitu::deflate
