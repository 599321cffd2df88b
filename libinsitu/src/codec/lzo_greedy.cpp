// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo_greedy.hpp"

#include <algorithm>
#include <array>

// Encoders that take what a table of recent positions has for a place, and never return to it.
//
// A position is kept modulo 64 Ki. Tables are cleared for each run, so a difference of positions
// never points before its start, and a stream does not depend on what was encoded before.
//
// The search for a match hashes the next place before it looks at the present one: the two do not
// wait for each other. After 16 places without a match steps grow, so bytes that do not repeat
// cost little.
namespace insitu {

namespace {

constexpr unsigned skip_bits = 4;

constexpr std::uint32_t word_bytes = sizeof(std::uint64_t);

template <unsigned Bits>
using Table = std::array<std::uint16_t, 1U << Bits>;

// How far back the position of an entry is; the entry then holds `at`. 0: the place itself.
std::uint32_t replace(std::uint16_t& entry, std::uint32_t at) noexcept {
    const std::uint32_t distance = static_cast<std::uint16_t>(at - entry);
    entry = static_cast<std::uint16_t>(at);
    return distance;
}

bool in_reach(std::uint32_t distance) noexcept {
    return distance - 1 < lzo::m4_distance;
}

template <unsigned hashed_bytes>
class OneTableEncoder final : public LzoBorderEncoder {
  private:
    static constexpr unsigned bits = 13;

    static std::uint32_t hash(std::uint64_t word) noexcept {
        return hash_bytes<hashed_bytes, bits>(word);
    }

    void reset(ByteView) noexcept override { table_.fill(0); }

    void search(std::uint32_t stop) noexcept override {
        const unsigned char* const in = input();
        const std::uint32_t input_end = input_bytes();
        Tokens tokens(*this);
        std::uint32_t at = tokens.start();
        while (at < stop) {
            std::uint64_t word = load_u64(in + at);
            std::uint32_t slot = hash(word);
            std::uint32_t distance;
            std::uint32_t next = at + 1;
            for (std::uint32_t step = 1U << skip_bits;; ++step) {
                if (next >= stop) return tokens.save(at);
                const std::uint64_t next_word = load_u64(in + next);
                const std::uint32_t next_slot = hash(next_word);
                distance = replace(table_[slot], at);
                if (load_u32(in + at - distance) == static_cast<std::uint32_t>(word) &&
                    in_reach(distance)) {
                    break;
                }
                at = next;
                word = next_word;
                slot = next_slot;
                next += step >> skip_bits;
            }
            const std::uint32_t end =
                at + 4 +
                common_bytes_of_word(in + at + 4, in + at + 4 - distance, input_end - at - 4);
            if (!tokens.put(tokens.extend_back(at, distance), end, distance)) return;
            at = end;
            if (at < stop) {
                table_[hash(load_u64(in + at - 2))] = static_cast<std::uint16_t>(at - 2);
            }
        }
        tokens.save(at);
    }

    Table<bits> table_;
};

// Quick: one place ahead only for long matches. Thorough: for all, and a third table for matches of
// 3 bytes, which have a token of 2 bytes if they are near.
enum class Effort { quick, thorough };

template <unsigned bits, Effort effort>
class TwoTableEncoder final : public LzoBorderEncoder {
  private:
    static constexpr bool is_thorough = effort == Effort::thorough;
    static constexpr unsigned bits_of_3 = 12;
    static constexpr std::uint32_t three_bytes = 0xffffff;

    struct Match {
        std::uint32_t at;
        std::uint32_t length;
        std::uint32_t distance;
    };

    static std::uint32_t long_hash(std::uint64_t word) noexcept {
        return hash_bytes<8, bits>(word);
    }
    static std::uint32_t short_hash(std::uint64_t word) noexcept {
        return hash_bytes<4, bits>(word);
    }

    static std::uint32_t near_hash(std::uint64_t word) noexcept {
        return hash_bytes<3, bits_of_3>(word);
    }

    void reset(ByteView) noexcept override {
        long_.fill(0);
        short_.fill(0);
        if constexpr (is_thorough) near_.fill(0);
    }

    // The length of a match of at least 8 bytes.
    std::uint32_t long_length(std::uint32_t at, std::uint32_t distance) const noexcept {
        const unsigned char* const later = input() + at + word_bytes;
        return word_bytes + common_bytes(later, later - distance, input_bytes() - at - word_bytes);
    }

    // A match of another table than the long one at `at`, against what the tables have for the
    // place after it.
    Match choose(std::uint32_t at, std::uint64_t word, std::uint32_t distance) noexcept {
        const unsigned char* const in = input();
        const std::uint64_t difference = word ^ load_u64(in + at - distance);
        Match match{at, difference != 0 ? first_difference(difference) : long_length(at, distance),
                    distance};
        const std::uint32_t after = at + 1;
        const std::uint64_t next = load_u64(in + after);
        const std::uint32_t far = replace(long_[long_hash(next)], after);
        if (load_u64(in + after - far) == next && in_reach(far)) {
            const std::uint32_t length = long_length(after, far);
            if (length > match.length) return {after, length, far};
        }
        if constexpr (!is_thorough) return match;
        const std::uint32_t near = replace(short_[short_hash(next)], after);
        const std::uint64_t later = load_u64(in + after - near) ^ next;
        if (static_cast<std::uint32_t>(later) != 0 || !in_reach(near)) return match;
        const std::uint32_t length =
            later != 0 ? first_difference(later) : long_length(after, near);
        // It takes one literal more.
        if (length + lzo::match_cost(match.length, distance) >
            match.length + lzo::match_cost(length, near) + 1) {
            match = {after, length, near};
        }
        return match;
    }

    // The next match that starts before `stop`, from `at`; length 0: none, and the place reached.
    Match next_match(std::uint32_t at, std::uint32_t stop) noexcept {
        const unsigned char* const in = input();
        std::uint64_t word = load_u64(in + at);
        std::uint32_t long_slot = long_hash(word);
        std::uint32_t short_slot = short_hash(word);
        for (std::uint32_t step = 1U << skip_bits;; ++step) {
            const std::uint32_t next = at + (step >> skip_bits);
            if (next >= stop) return {at, 0, 0};
            const std::uint32_t far = replace(long_[long_slot], at);
            const std::uint32_t near = replace(short_[short_slot], at);
            const std::uint64_t next_word = load_u64(in + next);
            long_slot = long_hash(next_word);
            short_slot = short_hash(next_word);
            if (load_u64(in + at - far) == word && in_reach(far)) {
                return {at, long_length(at, far), far};
            }
            if (load_u32(in + at - near) == static_cast<std::uint32_t>(word) && in_reach(near)) {
                return choose(at, word, near);
            }
            if constexpr (is_thorough) {
                const std::uint32_t nearest = replace(near_[near_hash(word)], at);
                const auto four = static_cast<std::uint32_t>(word);
                if (((load_u32(in + at - nearest) ^ four) & three_bytes) == 0 &&
                    nearest - 1 < lzo::m2_distance) {
                    return choose(at, word, nearest);
                }
            }
            at = next;
            word = next_word;
        }
    }

    void insert(std::uint32_t at) noexcept {
        const std::uint64_t word = load_u64(input() + at);
        long_[long_hash(word)] = static_cast<std::uint16_t>(at);
        short_[short_hash(word)] = static_cast<std::uint16_t>(at);
        if constexpr (is_thorough) near_[near_hash(word)] = static_cast<std::uint16_t>(at);
    }

    void search(std::uint32_t stop) noexcept override {
        Tokens tokens(*this);
        std::uint32_t at = tokens.start();
        while (at < stop) {
            const Match match = next_match(at, stop);
            at = match.at + match.length;
            if (match.length == 0) break;
            if (!tokens.put(tokens.extend_back(match.at, match.distance), at, match.distance)) {
                return;
            }
            if (at < stop) {
                insert(at - 2);
                insert(match.at + 2);
            }
        }
        tokens.save(at);
    }

    Table<bits> long_;
    Table<bits> short_;
    Table<bits_of_3> near_;
};

}  // namespace

std::unique_ptr<LzoBorderEncoder> make_lzo_fastest_encoder() {
    return std::make_unique<OneTableEncoder<6>>();
}

std::unique_ptr<LzoBorderEncoder> make_lzo_one_table_encoder() {
    return std::make_unique<OneTableEncoder<5>>();
}

std::unique_ptr<LzoBorderEncoder> make_lzo_two_table_encoder() {
    return std::make_unique<TwoTableEncoder<13, Effort::quick>>();
}

std::unique_ptr<LzoBorderEncoder> make_lzo_two_table_lazy_encoder() {
    return std::make_unique<TwoTableEncoder<14, Effort::thorough>>();
}

}  // namespace insitu
