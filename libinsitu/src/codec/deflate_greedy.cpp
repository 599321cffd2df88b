// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_greedy.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "codec/byte_words.hpp"
#include "codec/deflate_border_encoder.hpp"

// Encoders that take what a table of recent places has, and never return to it. A window of 2 KiB
// is so small that the last place with the same bytes is mostly the only one.
//
// Where the next match starts and how long it is cannot be foreseen, so a processor that guesses is
// wrong once for each of them. The loops are made so that it is wrong only once: they look at two
// places at a time, and what follows a match is computed with masks instead of branches.
//
// Tables are cleared for each run, so a stream does not depend on what was encoded before. Place 0
// is in all of them from the start.
namespace insitu {

namespace {

using deflate::Blocks;
using deflate::TokenSink;

constexpr std::uint32_t narrow_reach = 2048;
constexpr std::uint32_t wide_reach = 32768;

template <unsigned Bits>
using Table = std::array<std::uint32_t, 1U << Bits>;

// 1, or 0 for 0: not by a comparison, for compilers make a branch of those.
constexpr std::uint32_t not_zero(std::uint32_t value) noexcept {
    return (value | (0U - value)) >> 31;
}

// `second` is 0 or 1.
constexpr std::uint32_t choose(std::uint32_t second, std::uint32_t a, std::uint32_t b) noexcept {
    return a ^ ((a ^ b) & (0U - second));
}

// 0 if `place` is not more than `reach` behind `earlier`.
template <std::uint32_t reach>
constexpr std::uint32_t out_of_reach(std::uint32_t place, std::uint32_t earlier) noexcept {
    static_assert((reach & (reach - 1)) == 0);
    return (place - earlier - 1) & ~(reach - 1);
}

template <unsigned bits>
std::uint32_t hash_of_4(std::uint32_t word) noexcept {
    return (word * 0x9e3779b1U) >> (32 - bits);
}

class GreedyEncoder : public DeflateBorderEncoder {
  protected:
    using DeflateBorderEncoder::DeflateBorderEncoder;

    // The length of a match, up to short_bytes; few are longer.
    static constexpr std::uint32_t short_bytes = 16;
    std::uint32_t short_length(std::uint32_t at, std::uint32_t earlier) const noexcept {
        constexpr std::uint32_t word_bytes = sizeof(std::uint64_t);
        const auto difference_at = [&](std::uint32_t offset) {
            return load_u64(input_ + at + offset) ^ load_u64(input_ + earlier + offset);
        };
        const std::uint64_t first = difference_at(0);
        const std::uint64_t second = difference_at(word_bytes);
        const std::uint64_t difference = first == 0 ? second : first;
        const std::uint32_t before = first == 0 ? word_bytes : 0;
        return difference == 0 ? short_bytes : before + first_difference(difference);
    }

    // The whole length of a match of which that is known.
    std::uint32_t whole_length(std::uint32_t at, std::uint32_t earlier,
                               std::uint32_t length) const noexcept {
        if (length < short_bytes) [[likely]]
            return length;
        return length + common_bytes(input_ + at + length, input_ + earlier + length,
                                     input_bytes_ - at - length);
    }

    // Places are looked at two at a time until `limit`. Then, the longer nothing was found, the
    // more bytes are passed by.
    static constexpr std::uint32_t first_limit = 32;
    static constexpr std::uint32_t next_limit = 16;
    static constexpr std::uint32_t passed_share = 32;

    // Passes by an even number of bytes, and moves the limit; at most to `last`.
    std::uint32_t pass_by(std::uint32_t start, std::uint32_t at, std::uint32_t last,
                          std::uint32_t& limit, TokenSink& sink) const noexcept {
        if (at >= last) return at;
        const std::uint32_t bytes = std::min((at - start) / passed_share, last - at) & ~1U;
        sink.put_literals(input_ + at, bytes);
        at += bytes;
        limit = std::min(last, at + next_limit);
        return at;
    }
};

template <unsigned hashed_bytes, unsigned bits, std::uint32_t reach>
class OneTableEncoder final : public GreedyEncoder {
  public:
    OneTableEncoder() : GreedyEncoder({4, Blocks::Splitting::by_cost}) {}

  private:
    struct Place {
        std::uint32_t at;
        std::uint32_t earlier;
    };

    static std::uint32_t hash(std::uint64_t word) noexcept {
        if constexpr (hashed_bytes == 4) return hash_of_4<bits>(static_cast<std::uint32_t>(word));
        return hash_bytes<hashed_bytes, bits>(word);
    }

    void reset() noexcept override { table_.fill(0); }

    // The last place with the same hash; the table then has this one.
    std::uint32_t exchange(std::uint64_t word, std::uint32_t at) noexcept {
        return std::exchange(table_[hash(word)], at);
    }
    void insert(std::uint32_t at) noexcept { exchange(load_u64(input_ + at), at); }

    // 0 if the four bytes at `at`, the first of `word`, are also at `earlier`, in reach.
    std::uint32_t mismatch(std::uint32_t at, std::uint64_t word,
                           std::uint32_t earlier) const noexcept {
        return (load_u32(input_ + earlier) ^ static_cast<std::uint32_t>(word)) |
               out_of_reach<reach>(at, earlier);
    }

    // Puts literals up to the next match that starts before `last`; without one, up to `last` or
    // later.
    Place find(std::uint32_t at, std::uint32_t last, TokenSink& sink) noexcept {
        const unsigned char* const in = input_;
        const std::uint32_t start = at;
        std::uint32_t limit = std::min(last, at + first_limit);
        do {
            const std::uint64_t word = load_u64(in + at);
            const std::uint64_t next = word >> 8;
            const std::uint32_t earlier = exchange(word, at);
            const std::uint32_t earlier_of_next = exchange(next, at + 1);
            const std::uint32_t first = mismatch(at, word, earlier);
            const std::uint32_t second = mismatch(at + 1, next, earlier_of_next);
            if (first == 0 || second == 0) {
                const std::uint32_t later = not_zero(first);
                sink.put_literal_if(later, static_cast<unsigned char>(word));
                return {at + later, choose(later, earlier, earlier_of_next)};
            }
            sink.put_literals(static_cast<unsigned char>(word), static_cast<unsigned char>(next));
            at += 2;
            if (at >= limit) [[unlikely]]
                at = pass_by(start, at, last, limit, sink);
        } while (at < limit);
        return {at, at};
    }

    std::uint32_t search(std::uint32_t start, std::uint32_t stop, TokenSink& to) noexcept override {
        TokenSink sink = to;
        std::uint32_t at = start;
        while (at < stop - 1) {
            const Place match = find(at, stop - 1, sink);
            at = match.at;
            if (match.earlier == at) break;
            const std::uint32_t length =
                whole_length(at, match.earlier, short_length(at, match.earlier));
            sink.put_match(length, at - match.earlier);
            insert(at + 1);
            insert(at + 2);
            at += length;
            if (at >= stop) break;
            insert(at - 2);
            insert(at - 1);
        }
        if (at < stop) sink.put_literal(input_[at++]);
        to = sink;
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

    // What the tables have for a place: the last places with the same hashes, and 0 for those that
    // are a match.
    struct Probe {
        std::uint32_t earlier_of_4;
        std::uint32_t earlier_of_3;
        std::uint32_t mismatch_of_4;
        std::uint32_t mismatch_of_3;

        bool found() const noexcept { return mismatch_of_4 == 0 || mismatch_of_3 == 0; }
    };

    static std::uint32_t hash_of_3(std::uint32_t word) noexcept {
        return hash_of_4<bits_of_3>(word << 8);
    }

    // The tables then have the place.
    Probe probe(std::uint32_t at) noexcept {
        const std::uint32_t word = load_u32(input_ + at);
        const std::uint32_t of_4 = std::exchange(of_4_[hash_of_4<bits_of_4>(word)], at);
        const std::uint32_t of_3 = std::exchange(of_3_[hash_of_3(word)], at);
        return {of_4, of_3, (load_u32(input_ + of_4) ^ word) | out_of_reach<reach>(at, of_4),
                (load_u32(input_ + of_3) ^ word) << 8 | out_of_reach<reach>(at, of_3)};
    }

    void insert_4(std::uint32_t at) noexcept {
        of_4_[hash_of_4<bits_of_4>(load_u32(input_ + at))] = at;
    }
    void insert_3(std::uint32_t at) noexcept { of_3_[hash_of_3(load_u32(input_ + at))] = at; }

    // The first and the last places inside a match that ends at `end`; the first two were probed.
    // Matches of 3 bytes are near, so for them the last ones do.
    void insert_inside(std::uint32_t at, std::uint32_t end) noexcept {
        for (std::uint32_t i = 2; i <= 4; ++i)
            insert_4(std::min(at + i, end - 1));
        for (std::uint32_t i = 3; i > 0; --i)
            insert_4(end - i);
        insert_3(end - 2);
        insert_3(end - 1);
    }

    void reset() noexcept override {
        of_4_.fill(0);
        of_3_.fill(0);
    }

    // A place with a match, the earlier place of it, and what there is for the next place.
    struct Place {
        std::uint32_t at;
        std::uint32_t earlier;
        std::uint32_t earlier_of_next;
        std::uint32_t mismatch_of_next;
    };
    static Place matched(std::uint32_t at, const Probe& here, const Probe& next) noexcept {
        return {at, choose(not_zero(here.mismatch_of_4), here.earlier_of_4, here.earlier_of_3),
                next.earlier_of_4, next.mismatch_of_4};
    }

    // As that of OneTableEncoder.
    Place find(std::uint32_t at, std::uint32_t last, TokenSink& sink) noexcept {
        const std::uint32_t start = at;
        std::uint32_t limit = std::min(last, at + first_limit);
        Probe here = probe(at);
        do {
            const Probe next = probe(at + 1);
            if (here.found()) return matched(at, here, next);
            const Probe after = probe(at + 2);
            if (next.found()) {
                sink.put_literal(input_[at]);
                return matched(at + 1, next, after);
            }
            sink.put_literals(input_[at], input_[at + 1]);
            at += 2;
            here = after;
            if (at >= limit) [[unlikely]] {
                const std::uint32_t passed = pass_by(start, at, last, limit, sink);
                if (passed > at && passed < last) here = probe(passed);
                at = passed;
            }
        } while (at < limit);
        return {at, at, 0, 0};
    }

    // Puts a match, or, if that is longer, a literal and the match of the next place; returns the
    // end.
    std::uint32_t put_longer(const Place& place, TokenSink& sink) noexcept {
        const std::uint32_t length = short_length(place.at, place.earlier);
        const std::uint32_t length_of_next = choose(
            not_zero(place.mismatch_of_next), short_length(place.at + 1, place.earlier_of_next), 0);
        const std::uint32_t wait = length_of_next > length ? 1 : 0;
        sink.put_literal_if(wait, input_[place.at]);
        const std::uint32_t at = place.at + wait;
        const std::uint32_t from = choose(wait, place.earlier, place.earlier_of_next);
        const std::uint32_t whole = whole_length(at, from, std::max(length, length_of_next));
        sink.put_match(whole, at - from);
        return at + whole;
    }

    std::uint32_t search(std::uint32_t start, std::uint32_t stop, TokenSink& to) noexcept override {
        TokenSink sink = to;
        std::uint32_t at = start;
        while (at < stop - 1) {
            const Place match = find(at, stop - 1, sink);
            at = match.at;
            if (at >= stop - 1) break;
            at = put_longer(match, sink);
            if (at < stop) insert_inside(match.at, at);
        }
        if (at < stop) sink.put_literal(input_[at++]);
        to = sink;
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
