// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo_chains.hpp"

#include <algorithm>
#include <array>

namespace insitu {

namespace {

constexpr unsigned bits_of_4 = 16;
constexpr unsigned bits_of_3 = 12;
constexpr unsigned bits_of_2 = 12;
constexpr unsigned skip_bits = 5;            // after 32 places without a match, steps grow
constexpr std::uint32_t long_enough = 48;    // a match of this length ends the search
constexpr std::size_t positions = 1U << 16;  // that are told apart: more than a match reaches
constexpr std::uint32_t shortest = 3;        // match, and only near; farther ones have 4 bytes
constexpr std::uint32_t three_bytes = 0xffffff;
constexpr std::uint32_t longest_split = 8;  // run of literals that a match of 2 bytes may split

class ChainEncoder final : public LzoBorderEncoder {
  public:
    explicit ChainEncoder(unsigned depth) : depth_(depth) {}

  private:
    struct Match {
        std::uint32_t at = 0;
        std::uint32_t length = 0;
        std::uint32_t distance = 0;

        // The bytes that it saves.
        int gain() const noexcept {
            return static_cast<int>(length) -
                   static_cast<int>(lzo::match_cost(std::max(length, shortest), distance));
        }
    };

    void reset(ByteView) noexcept override {
        newest_of_4_.fill(0);
        newest_of_3_.fill(0);
        newest_of_2_.fill(0);
        pair_distances_.fill(0);
        before_.fill(0);
    }

    // How far back the last places with the same hashes are, modulo 64 Ki.
    struct Distances {
        std::uint32_t of_4;
        std::uint32_t of_3;
    };

    // The tables then have the place.
    Distances insert(std::uint32_t at, std::uint64_t word) noexcept {
        std::uint16_t& of_4 = newest_of_4_[hash_bytes<4, bits_of_4>(word)];
        std::uint16_t& of_3 = newest_of_3_[hash_bytes<3, bits_of_3>(word)];
        const Distances distances{static_cast<std::uint16_t>(at - of_4),
                                  static_cast<std::uint16_t>(at - of_3)};
        std::uint16_t& of_2 = newest_of_2_[hash_bytes<2, bits_of_2>(word)];
        pair_distances_[at % longest_split] = static_cast<std::uint16_t>(at - of_2);
        before_[at % positions] = of_4;
        of_2 = static_cast<std::uint16_t>(at);
        of_4 = static_cast<std::uint16_t>(at);
        of_3 = static_cast<std::uint16_t>(at);
        return distances;
    }

    // The match at a place that saves most; length 0: none.
    Match find(std::uint32_t at, unsigned depth) noexcept {
        const unsigned char* const here = input() + at;
        const std::uint64_t word = load_u64(here);
        const auto four = static_cast<std::uint32_t>(word);
        const std::uint32_t room = input_bytes() - at;
        const auto [newest, near] = insert(at, word);
        std::uint32_t distance = newest;
        Match best{at, 0, 0};
        if (near - 1 < lzo::m2_distance && ((load_u32(here - near) ^ four) & three_bytes) == 0) {
            best = {at, shortest, near};
        }
        std::uint32_t nearer = 0;
        for (; depth > 0 && distance - 1 < lzo::m4_distance && distance > nearer; --depth) {
            const unsigned char* const there = here - distance;
            // Positions are kept modulo 64 Ki, of which a run may have more: the bytes decide.
            if (there[best.length] == here[best.length] && load_u32(there) == four) {
                const std::uint64_t difference = load_u64(there) ^ word;
                const std::uint32_t length = difference != 0
                                                 ? first_difference(difference)
                                                 : 8 + common_bytes(here + 8, there + 8, room - 8);
                const Match found{at, length, distance};
                if (length > best.length && found.gain() > best.gain()) best = found;
                if (length >= long_enough || length == room) break;
                // So that no input costs much: a long comparison counts as several places.
                depth -= std::min(depth - 1, length / 16);
            }
            nearer = distance;
            distance = static_cast<std::uint16_t>(at - before_[(at - distance) % positions]);
        }
        return best;
    }

    // A better match at the next place, as long as there is one.
    Match look_ahead(Match match, std::uint32_t stop) noexcept {
        while (match.length < long_enough && match.at + 1 < stop) {
            const Match next = find(match.at + 1, (depth_ + 1) / 2);
            // It takes one literal more, but what comes after it is more often found: measured.
            if (next.length == 0 || next.gain() <= match.gain()) break;
            match = next;
        }
        return match;
    }

    // A run of 4 to 8 literals has a head. With a match of 2 bytes in its midst there are two runs
    // of up to 3, which have none: a byte less. False: no room for it.
    bool split_run(Tokens& tokens, std::uint32_t end) const noexcept {
        const std::uint32_t start = tokens.literals();
        const std::uint32_t count = end - start;
        constexpr std::uint32_t pair = 2;
        if (count <= lzo::counted_literals || count > longest_split || start == 0) return true;
        for (std::uint32_t before = 1; before <= lzo::counted_literals; ++before) {
            const std::uint32_t at = start + before;
            if (before + pair > count || count - before - pair > lzo::counted_literals) continue;
            // Of a place that was passed by, this is another's: the bytes decide.
            const std::uint32_t distance = pair_distances_[at % longest_split];
            if (distance - 1 >= lzo::m1_distance || distance > at) continue;
            const unsigned char* const here = input() + at;
            const auto back = static_cast<std::ptrdiff_t>(distance);
            if (here[0] != here[0 - back] || here[1] != here[1 - back]) continue;
            return tokens.put_short(at, pair, distance);
        }
        return true;
    }

    void search(std::uint32_t stop) noexcept override {
        Tokens tokens(*this);
        std::uint32_t at = tokens.start();
        std::uint32_t step = 1U << skip_bits;
        while (at < stop) {
            Match match = find(at, depth_);
            if (match.length == 0) {
                at += step++ >> skip_bits;
                continue;
            }
            step = 1U << skip_bits;
            match = look_ahead(match, stop);
            const std::uint32_t end = match.at + match.length;
            const std::uint32_t start = tokens.extend_back(match.at, match.distance);
            if (!split_run(tokens, start) || !tokens.put(start, end, match.distance)) return;
            const std::uint32_t last = std::min(end, stop);
            // The place after the match may have been looked at, too.
            for (std::uint32_t inside = match.at + 2; inside < last; ++inside)
                insert(inside, load_u64(input() + inside));
            at = end;
        }
        tokens.save(at);
    }

    unsigned depth_;
    std::array<std::uint16_t, 1U << bits_of_4> newest_of_4_{};
    std::array<std::uint16_t, 1U << bits_of_3> newest_of_3_{};
    std::array<std::uint16_t, 1U << bits_of_2> newest_of_2_{};
    std::array<std::uint16_t, positions> before_{};
    std::array<std::uint16_t, longest_split> pair_distances_{};  // of the last places
};

}  // namespace

std::unique_ptr<LzoBorderEncoder> make_lzo_chain_encoder(unsigned depth) {
    return std::make_unique<ChainEncoder>(depth);
}

}  // namespace insitu
