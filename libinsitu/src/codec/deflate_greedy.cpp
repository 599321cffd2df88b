// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_greedy.hpp"

#include <algorithm>
#include <array>

#include "codec/byte_words.hpp"
#include "codec/deflate_border_encoder.hpp"

// A window of 2 KiB is so small that the last place with the same bytes is mostly the only one.
namespace insitu {

namespace {

using deflate::Blocks;

constexpr std::uint32_t narrow_reach = 2048;
constexpr std::uint32_t wide_reach = 32768;
constexpr unsigned skip_bits = 5;  // after 32 places without a match, steps grow

template <unsigned Bits>
using Table = std::array<std::uint16_t, 1U << Bits>;

// How far back the position of an entry is, modulo 64 Ki; the entry then holds `at`.
std::uint32_t replace(std::uint16_t& entry, std::uint32_t at) noexcept {
    const std::uint32_t distance = static_cast<std::uint16_t>(at - entry);
    entry = static_cast<std::uint16_t>(at);
    return distance;
}

bool in_reach(std::uint32_t distance, std::uint32_t reach) noexcept {
    return distance - 1 < reach;
}

// What both find matches with.
class GreedyEncoder : public DeflateBorderEncoder {
  protected:
    using DeflateBorderEncoder::DeflateBorderEncoder;

    // The length of a match of which the word at `at` is known.
    std::uint32_t match_length(std::uint32_t at, std::uint64_t word,
                               std::uint32_t distance) const noexcept {
        constexpr std::uint32_t word_bytes = sizeof word;
        const unsigned char* const later = input_ + at;
        const std::uint64_t difference = word ^ load_u64(later - distance);
        if (difference != 0) return first_difference(difference);
        return word_bytes + common_bytes(later + word_bytes, later + word_bytes - distance,
                                         input_bytes_ - at - word_bytes);
    }

    std::uint32_t extend_back(std::uint32_t at, std::uint32_t distance) const noexcept {
        while (at > blocks_.literals() && at > distance &&
               input_[at - 1] == input_[at - 1 - distance]) {
            --at;
        }
        return at;
    }
};

template <unsigned hashed_bytes, unsigned bits, std::uint32_t reach>
class OneTableEncoder final : public GreedyEncoder {
  public:
    OneTableEncoder() : GreedyEncoder({8, Blocks::Splitting::even}) {}

  private:
    static std::uint32_t hash(std::uint64_t word) noexcept {
        return hash_bytes<hashed_bytes, bits>(word);
    }

    void reset() noexcept override { table_.fill(0); }

    std::uint32_t search(std::uint32_t at, std::uint32_t stop) noexcept override {
        const unsigned char* const in = input_;
        while (at < stop) {
            std::uint64_t word = load_u64(in + at);
            std::uint32_t slot = hash(word);
            std::uint32_t distance;
            std::uint32_t next = at + 1;
            for (std::uint32_t step = 1U << skip_bits;; ++step) {
                if (next >= stop) return stop;
                const std::uint64_t next_word = load_u64(in + next);
                const std::uint32_t next_slot = hash(next_word);
                distance = replace(table_[slot], at);
                if (load_u32(in + at - distance) == static_cast<std::uint32_t>(word) &&
                    in_reach(distance, reach)) {
                    break;
                }
                at = next;
                word = next_word;
                slot = next_slot;
                next += step >> skip_bits;
            }
            const std::uint32_t end = at + match_length(at, word, distance);
            at = extend_back(at, distance);
            blocks_.put(at, end - at, distance);
            at = end;
            if (at < stop) table_[hash(load_u64(in + at - 2))] = static_cast<std::uint16_t>(at - 2);
        }
        return at;
    }

    Table<bits> table_;
};

class TwoTableEncoder final : public GreedyEncoder {
  public:
    TwoTableEncoder() : GreedyEncoder({2, Blocks::Splitting::by_cost}) {}

  private:
    static constexpr unsigned bits_of_4 = 12;
    static constexpr unsigned bits_of_3 = 11;
    static constexpr std::uint32_t reach = narrow_reach;
    static constexpr std::uint32_t reach_of_3 = 1024;  // farther, three literals take less
    static constexpr std::uint32_t long_enough = 32;   // to look no further
    static constexpr std::uint32_t three_bytes = 0xffffff;

    struct Match {
        std::uint32_t at;
        std::uint32_t length;
        std::uint32_t distance;
    };

    static std::uint32_t hash_of_4(std::uint64_t word) noexcept {
        return hash_bytes<4, bits_of_4>(word);
    }
    static std::uint32_t hash_of_3(std::uint64_t word) noexcept {
        return hash_bytes<3, bits_of_3>(word);
    }

    void insert(std::uint32_t at) noexcept {
        const std::uint64_t word = load_u64(input_ + at);
        of_4_[hash_of_4(word)] = static_cast<std::uint16_t>(at);
        of_3_[hash_of_3(word)] = static_cast<std::uint16_t>(at);
    }

    // The next match that starts before `stop`; length 0: none.
    Match next_match(std::uint32_t at, std::uint32_t stop) noexcept {
        std::uint64_t word = load_u64(input_ + at);
        std::uint32_t slot_of_4 = hash_of_4(word);
        std::uint32_t slot_of_3 = hash_of_3(word);
        std::uint32_t next = at + 1;
        for (std::uint32_t step = 1U << skip_bits; next < stop; ++step) {
            const std::uint64_t next_word = load_u64(input_ + next);
            const std::uint32_t next_slot_of_4 = hash_of_4(next_word);
            const std::uint32_t next_slot_of_3 = hash_of_3(next_word);
            const std::uint32_t far = replace(of_4_[slot_of_4], at);
            const std::uint32_t near = replace(of_3_[slot_of_3], at);
            const auto four = static_cast<std::uint32_t>(word);
            if (in_reach(far, reach) && load_u32(input_ + at - far) == four) {
                return {at, match_length(at, word, far), far};
            }
            if (near - 1 < reach_of_3 &&
                ((load_u32(input_ + at - near) ^ four) & three_bytes) == 0) {
                return {at, match_length(at, word, near), near};
            }
            at = next;
            word = next_word;
            slot_of_4 = next_slot_of_4;
            slot_of_3 = next_slot_of_3;
            next += step >> skip_bits;
        }
        return {stop, 0, 0};
    }

    // A longer match one place later is taken instead.
    Match look_ahead(Match match) noexcept {
        if (match.length >= long_enough) return match;
        const std::uint32_t at = match.at + 1;
        const std::uint64_t word = load_u64(input_ + at);
        const std::uint32_t distance = replace(of_4_[hash_of_4(word)], at);
        if (!in_reach(distance, reach) ||
            load_u32(input_ + at - distance) != static_cast<std::uint32_t>(word)) {
            return match;
        }
        const std::uint32_t length = match_length(at, word, distance);
        return length > match.length ? Match{at, length, distance} : match;
    }

    void reset() noexcept override {
        of_4_.fill(0);
        of_3_.fill(0);
    }

    std::uint32_t search(std::uint32_t at, std::uint32_t stop) noexcept override {
        while (at < stop) {
            Match match = next_match(at, stop);
            if (match.length == 0) return stop;
            match = look_ahead(match);
            const std::uint32_t end = match.at + match.length;
            const std::uint32_t start = extend_back(match.at, match.distance);
            blocks_.put(start, end - start, match.distance);
            if (end < stop) {
                insert(match.at + 2);
                insert(end - 2);
            }
            at = end;
        }
        return at;
    }

    Table<bits_of_4> of_4_;
    Table<bits_of_3> of_3_;
};

}  // namespace

std::unique_ptr<BorderEncoder> make_deflate_fastest_encoder() {
    return std::make_unique<OneTableEncoder<5, 12, narrow_reach>>();
}

std::unique_ptr<BorderEncoder> make_deflate_one_table_encoder() {
    return std::make_unique<OneTableEncoder<4, 12, narrow_reach>>();
}

std::unique_ptr<BorderEncoder> make_deflate_wide_one_table_encoder() {
    return std::make_unique<OneTableEncoder<4, 13, wide_reach>>();
}

std::unique_ptr<BorderEncoder> make_deflate_two_table_encoder() {
    return std::make_unique<TwoTableEncoder>();
}

}  // namespace insitu
