// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_matches.hpp"

#include <algorithm>

#include "codec/byte_words.hpp"
#include "codec/deflate_format.hpp"

namespace insitu::deflate {

namespace {

constexpr std::uint32_t margin_bytes = 16;  // no search starts so near the end of the input
constexpr std::uint32_t three_bytes = 0xffffff;
// On average; where lists are longer all along, later places get none.
constexpr std::size_t matches_of_place = 3;

}  // namespace

MatchLists::MatchLists(Options options)
    : options_(options),
      starts_(window_bytes + 1),
      matches_(matches_of_place * window_bytes + most_of_place) {}

void MatchLists::find(ByteView input) noexcept {
    input_ = reinterpret_cast<const unsigned char*>(input.data());
    input_bytes_ = static_cast<std::uint32_t>(input.size());
    count_ = 0;
    newest_of_4_.fill(0);
    newest_of_3_.fill(0);
    before_.fill(0);
    const std::uint32_t stop = input_bytes_ - std::min(input_bytes_, margin_bytes);
    starts_[0] = 0;
    for (std::uint32_t at = 1; at <= input_bytes_; ++at) {
        starts_[at] = count_;
        if (at >= stop || count_ + most_of_place > matches_.size()) continue;
        find_at(at);
        if (count_ == starts_[at] || matches_[count_ - 1].length < options_.long_enough) continue;
        // Inside a long match the rest of it is as good as anything that would be found.
        const Match found = matches_[count_ - 1];
        const std::uint32_t end = at + found.length;
        for (std::uint32_t inside = at + 1; inside < end; ++inside) {
            starts_[inside] = count_;
            const std::uint32_t rest = end - inside;
            if (inside < stop) insert(inside, load_u64(input_ + inside));
            if (rest >= shortest_match && count_ + most_of_place <= matches_.size()) {
                matches_[count_++] = {static_cast<std::uint16_t>(rest), found.distance};
            }
        }
        at = end - 1;
    }
    starts_[input_bytes_] = count_;
}

void MatchLists::insert(std::uint32_t at, std::uint64_t word) noexcept {
    std::uint16_t& newest = newest_of_4_[hash_bytes<4, bits_of_4>(word)];
    before_[at % reach] = newest;
    newest = static_cast<std::uint16_t>(at);
    newest_of_3_[hash_bytes<3, bits_of_3>(word)] = static_cast<std::uint16_t>(at);
}

void MatchLists::find_at(std::uint32_t at) noexcept {
    const unsigned char* const here = input_ + at;
    const std::uint64_t word = load_u64(here);
    const auto four = static_cast<std::uint32_t>(word);
    std::uint32_t distance =
        static_cast<std::uint16_t>(at - newest_of_4_[hash_bytes<4, bits_of_4>(word)]);
    const std::uint32_t near =
        static_cast<std::uint16_t>(at - newest_of_3_[hash_bytes<3, bits_of_3>(word)]);
    insert(at, word);
    std::uint32_t best = shortest_match - 1;
    if (near - 1 < reach && ((load_u32(here - near) ^ four) & three_bytes) == 0) {
        best = shortest_match;
        matches_[count_++] = {shortest_match, static_cast<std::uint16_t>(near)};
    }
    const std::uint32_t limit = std::min<std::uint32_t>(input_bytes_ - at, longest_match);
    const std::uint32_t enough = std::min(options_.long_enough, limit);
    const std::size_t most = starts_[at] + most_of_place;
    std::uint32_t nearer = 0;
    for (unsigned left = options_.depth; left > 0; --left) {
        // Positions are kept modulo 64 Ki: a distance that does not rise is of another round.
        if (distance - 1 >= reach || distance <= nearer) return;
        const unsigned char* const there = here - distance;
        if (there[best] == here[best] && load_u32(there) == four) {
            const std::uint64_t difference = load_u64(there) ^ word;
            const std::uint32_t length =
                difference != 0 ? first_difference(difference)
                                : 8 + common_bytes(here + 8, there + 8, std::max(limit, 8U) - 8);
            if (length > best) {
                best = length;
                // The nearest match of three bytes may be this one.
                if (count_ > starts_[at] && matches_[count_ - 1].distance == distance) --count_;
                matches_[count_++] = {static_cast<std::uint16_t>(length),
                                      static_cast<std::uint16_t>(distance)};
                if (length >= enough || count_ == most) return;
            }
        }
        nearer = distance;
        distance = static_cast<std::uint16_t>(at - before_[(at - distance) % reach]);
    }
}

}  // namespace insitu::deflate
