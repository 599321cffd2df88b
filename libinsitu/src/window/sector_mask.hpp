// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "insitu/internal/format/geometry.hpp"
#include "insitu/units.hpp"

namespace insitu {

// The sectors of a window's space.
inline constexpr std::uint64_t window_sectors = std::uint64_t{window_blocks} * sectors_per_block;

// A set of sectors of one window's space. It is looked at by words, since a search for holes asks
// thousands of windows. Not thread-safe.
class SectorMask {
  public:
    constexpr SectorMask() = default;
    // Precondition: first + sectors <= window_sectors.
    static constexpr SectorMask range(unsigned first, unsigned sectors) noexcept {
        SectorMask mask;
        mask.add(first, sectors);
        return mask;
    }
    static constexpr SectorMask all() noexcept { return range(0, window_sectors); }

    constexpr bool test(unsigned sector) const noexcept {
        return (words_[sector / word_bits] >> sector % word_bits & 1U) != 0;
    }
    constexpr void add(unsigned first, unsigned sectors) noexcept {
        while (sectors != 0) {
            const unsigned bit = first % word_bits;
            const unsigned count = std::min(sectors, word_bits - bit);
            words_[first / word_bits] |= ~std::uint64_t{0} >> (word_bits - count) << bit;
            first += count;
            sectors -= count;
        }
    }
    constexpr bool any() const noexcept {
        return std::any_of(words_.begin(), words_.end(), [](std::uint64_t w) { return w != 0; });
    }
    constexpr unsigned count() const noexcept {
        unsigned sectors = 0;
        for (const std::uint64_t word : words_)
            sectors += static_cast<unsigned>(std::popcount(word));
        return sectors;
    }
    constexpr bool contains(const SectorMask& other) const noexcept {
        return !(other - *this).any();
    }

    // Calls visit(first, sectors) for each run, in rising order.
    template <class Visit>
    constexpr void for_each_run(Visit visit) const {
        for (unsigned first = next(0, true); first < window_sectors;) {
            const unsigned end = next(first, false);
            visit(first, end - first);
            first = next(end, true);
        }
    }

    friend constexpr SectorMask operator|(SectorMask a, const SectorMask& b) noexcept {
        for (std::size_t i = 0; i < a.words_.size(); ++i)
            a.words_[i] |= b.words_[i];
        return a;
    }
    friend constexpr SectorMask operator&(SectorMask a, const SectorMask& b) noexcept {
        for (std::size_t i = 0; i < a.words_.size(); ++i)
            a.words_[i] &= b.words_[i];
        return a;
    }
    // What is in the first and not in the second.
    friend constexpr SectorMask operator-(SectorMask a, const SectorMask& b) noexcept {
        for (std::size_t i = 0; i < a.words_.size(); ++i)
            a.words_[i] &= ~b.words_[i];
        return a;
    }
    friend constexpr bool operator==(const SectorMask&, const SectorMask&) noexcept = default;

  private:
    static constexpr unsigned word_bits = 64;

    // The first sector from `sector` on that is in the set, or is not; window_sectors if none is.
    constexpr unsigned next(unsigned sector, bool in_set) const noexcept {
        while (sector < window_sectors) {
            const std::uint64_t word = words_[sector / word_bits];
            const std::uint64_t rest = (in_set ? word : ~word) >> sector % word_bits;
            if (rest != 0) return sector + static_cast<unsigned>(std::countr_zero(rest));
            sector = (sector / word_bits + 1) * word_bits;
        }
        return sector;
    }

    std::array<std::uint64_t, window_sectors / word_bits> words_{};
};

}  // namespace insitu
