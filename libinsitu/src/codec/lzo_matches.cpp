// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo_matches.hpp"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "codec/byte_words.hpp"
#include "codec/lzo_tokens.hpp"

namespace insitu::lzo {

namespace {

constexpr std::uint64_t first_of_bucket = std::uint64_t{1} << 63;
constexpr std::uint32_t three_bytes = 0xffffff;
constexpr std::uint32_t two_bytes = 0xffff;
constexpr std::uint32_t known_bytes = 7;   // of an entry: four by its hash, three as they are
constexpr std::uint32_t sorted_bytes = 8;  // that a place must have to be sorted
constexpr std::uint32_t shortest = 4;      // match that the sorted places are searched for
constexpr std::uint32_t triple_reach = m2_distance + m1_distance;

std::uint32_t hash_of_four(std::uint32_t bytes) noexcept {
    return bytes * 2654435761U;  // odd: no two values have the same
}

unsigned class_of(std::uint32_t distance) noexcept {
    return (distance > m2_distance ? 1U : 0U) + (distance > m3_distance ? 1U : 0U);
}

}  // namespace

std::uint32_t Candidates::longest() const noexcept {
    return std::max({lengths[0], lengths[1], lengths[2]});
}

MatchFinder::MatchFinder(const Search& search)
    : search_(search),
      entries_(window_bytes + 1),
      ranks_(window_bytes),
      buckets_(std::size_t{1} << most_bucket_bits) {}

void MatchFinder::start(ByteView run) noexcept {
    input_ = reinterpret_cast<const unsigned char*>(run.data());
    input_bytes_ = static_cast<std::uint32_t>(run.size());
    pairs_.fill(0);
    triples_.fill(0);
    if (input_bytes_ > margin_bytes) sort();
}

void MatchFinder::sort() noexcept {
    constexpr unsigned least_bucket_bits = 10;
    constexpr unsigned hash_bits = 32;
    const std::uint32_t places = input_bytes_ - sorted_bytes;
    const unsigned bits = std::clamp(static_cast<unsigned>(std::bit_width(places)) - 1,
                                     least_bucket_bits, most_bucket_bits);
    rest_bits_ = hash_bits - bits;
    const auto buckets = std::span(buckets_).first(std::size_t{1} << bits);
    std::fill(buckets.begin(), buckets.end(), 0);
    for (std::uint32_t at = 0; at < places; ++at) {
        const std::uint32_t hash = hash_of_four(load_u32(input_ + at));
        ranks_[at] = hash;
        ++buckets[hash >> rest_bits_];
    }
    std::uint32_t rank = 1;  // entry 0 ends every search
    for (std::uint32_t& bucket : buckets)
        rank += std::exchange(bucket, rank);
    const std::uint64_t rest_mask = (std::uint64_t{1} << rest_bits_) - 1;
    for (std::uint32_t at = 0; at < places; ++at) {
        const std::uint32_t hash = ranks_[at];
        const std::uint64_t next = load_u32(input_ + at + shortest) & three_bytes;
        ranks_[at] = buckets[hash >> rest_bits_]++;
        entries_[ranks_[at]] =
            (hash & rest_mask) | next << rest_bits_ | std::uint64_t{at} << position_bit;
    }
    // Each bucket's counter has come to the start of the next.
    entries_[0] = first_of_bucket;
    entries_[1] |= first_of_bucket;
    for (const std::uint32_t end : buckets) {
        if (end <= places) entries_[end] |= first_of_bucket;
    }
}

// Without a branch: what is found here cannot be foreseen.
void MatchFinder::find_short(std::uint32_t at, Candidates& found) noexcept {
    const unsigned char* const here = input_ + at;
    const std::uint32_t word = load_u32(here);
    std::uint16_t& pair = pairs_[hash_bytes<2, bits_of_pairs>(word)];
    std::uint16_t& triple = triples_[hash_bytes<3, bits_of_triples>(word)];
    // Positions are kept modulo 64 Ki; what is too far, or before the start, is not looked at.
    const std::uint32_t pair_back = static_cast<std::uint16_t>(at - pair);
    const std::uint32_t triple_back = static_cast<std::uint16_t>(at - triple);
    const std::uint32_t to_pair = pair_back <= std::min(at, m1_distance) ? pair_back : 0;
    const std::uint32_t to_triple = triple_back <= std::min(at, triple_reach) ? triple_back : 0;
    pair = static_cast<std::uint16_t>(at);
    triple = static_cast<std::uint16_t>(at);
    const bool same_pair = ((load_u32(here - to_pair) ^ word) & two_bytes) == 0;
    const bool same_triple = ((load_u32(here - to_triple) ^ word) & three_bytes) == 0;
    const bool near = to_triple <= m2_distance;
    found.pair_distance = static_cast<std::uint16_t>(same_pair ? to_pair : 0);
    found.triple_distance = static_cast<std::uint16_t>(same_triple && !near ? to_triple : 0);
    found.distances[0] = static_cast<std::uint16_t>(same_triple && near ? to_triple : 0);
    found.lengths[0] = found.distances[0] != 0 ? 3 : 0;
}

// Walks from the nearest earlier place to farther ones, for matches longer than `least`.
void MatchFinder::search(std::uint32_t at, std::uint32_t least, unsigned depth,
                         Candidates& found) noexcept {
    const unsigned char* const here = input_ + at;
    const std::uint32_t limit = std::min(input_bytes_ - at, search_.long_enough);
    const std::uint64_t stop_bit = std::uint64_t{1} << (rest_bits_ + 24);
    constexpr std::uint64_t position_mask = first_of_bucket - 1;
    std::uint32_t rank = ranks_[at];
    const std::uint64_t mine = entries_[rank];
    std::uint64_t entry = mine;
    while ((entry & first_of_bucket) == 0 && depth-- > 0) {
        entry = entries_[--rank];
        const auto there = static_cast<std::uint32_t>((entry & position_mask) >> position_bit);
        const std::uint32_t distance = at - there;
        if (distance > m4_distance) return;
        // The bytes that are known to be equal: less than four if the hashes differ.
        const int same_bits = std::countr_zero((entry ^ mine) | stop_bit);
        const int same =
            static_cast<int>(shortest) + ((same_bits - static_cast<int>(rest_bits_)) >> 3);
        if (same <= static_cast<int>(std::min(least, known_bytes - 1))) continue;
        auto length = static_cast<std::uint32_t>(same);
        if (length == known_bytes) {
            const unsigned char* const earlier = input_ + there;
            if (least >= known_bytes && (least >= limit || earlier[least] != here[least])) continue;
            length += common_bytes(here + length, earlier + length,
                                   std::max(limit, known_bytes) - known_bytes);
            // So that no input costs much: a long comparison counts as several places.
            depth -= std::min(depth, length >> 4);
            if (length <= least) continue;
        }
        least = length;
        found.lengths[class_of(distance)] = static_cast<std::uint16_t>(length);
        found.distances[class_of(distance)] = static_cast<std::uint16_t>(distance);
        if (length >= limit) return;
    }
}

Candidates MatchFinder::find(std::uint32_t at, const Candidates* before) noexcept {
    constexpr std::uint32_t ahead = 16;
    __builtin_prefetch(&entries_[ranks_[std::min(at + ahead, input_bytes_ - sorted_bytes - 1)]]);
    Candidates found;
    find_short(at, found);
    const std::uint32_t rest =
        before != nullptr && before->longest() > 0 ? before->longest() - 1 : 0;
    if (rest >= search_.good) {
        search(at, rest, search_.depth_inside, found);
    } else {
        search(at, shortest - 1, search_.depth, found);
    }
    if (before == nullptr) return found;
    for (unsigned i = 0; i < Candidates::classes; ++i) {
        // A match goes on, if there is enough left of it.
        const unsigned length = before->lengths[i];
        const bool better = length > shortest - 1 && length > found.lengths[i] + 1U;
        found.lengths[i] = static_cast<std::uint16_t>(better ? length - 1 : found.lengths[i]);
        found.distances[i] = better ? before->distances[i] : found.distances[i];
    }
    return found;
}

}  // namespace insitu::lzo
