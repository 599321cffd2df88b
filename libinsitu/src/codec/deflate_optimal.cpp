// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_optimal.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "codec/deflate_block.hpp"
#include "codec/deflate_estimate.hpp"
#include "codec/deflate_matches.hpp"

// How it works:
//
// 1. All matches of the extent are found once.
// 2. A lazy parse over them gives a first idea of the symbols of each segment of 4 KiB, and with it
//    where blocks are best cut: a dynamic programme over the borders of segments.
// 3. For each block: from what its symbols cost, the cheapest row of literals and matches from each
//    place to the end of the block, backwards; that row has other symbols, which cost otherwise;
//    again, a few times.
//
// Costs are integers, in 1/16 bit: every machine comes to the same stream.
namespace insitu {

namespace {

using namespace deflate;

constexpr std::uint32_t segment_bytes = 4096;
constexpr std::uint32_t most_block_segments = 16;
constexpr std::uint32_t most_block_bytes = most_block_segments * segment_bytes;
constexpr unsigned cost_bits = 4;

using Cost = std::uint32_t;

// What each symbol costs, with its extra bits.
class SymbolCosts {
  public:
    explicit SymbolCosts(const SymbolCounts& counts) noexcept {
        std::array<Cost, literal_symbols> symbols;
        costs_of(counts.literal, symbols);
        std::copy_n(symbols.begin(), literals_.size(), literals_.begin());
        for (unsigned length = shortest_match; length <= longest_match; ++length) {
            const unsigned slot = slots_of_lengths[length];
            lengths_[length] = symbols[first_length_symbol + slot] +
                               (Cost{length_slots[slot].extra_bits} << cost_bits);
        }
        costs_of(counts.distance, distances_);
        for (unsigned slot = 0; slot < distance_symbols; ++slot)
            distances_[slot] += Cost{distance_slots[slot].extra_bits} << cost_bits;
    }

    Cost literal(unsigned char byte) const noexcept { return literals_[byte]; }
    Cost length(std::uint32_t length) const noexcept { return lengths_[length]; }
    Cost distance(std::uint32_t distance) const noexcept {
        return distances_[distance_slot(distance)];
    }

  private:
    template <std::size_t Size>
    static void costs_of(const std::array<std::uint32_t, Size>& counts,
                         std::array<Cost, Size>& costs) noexcept {
        constexpr unsigned shift = log_bits - cost_bits;
        constexpr Cost least = Cost{1} << cost_bits;
        std::uint32_t sum = 1;
        for (const std::uint32_t count : counts)
            sum += count;
        const std::uint32_t all = log2_of(sum);
        for (std::size_t i = 0; i < Size; ++i) {
            // What does not occur is not forbidden: it would be rare.
            const std::uint32_t own = log2_of(2 * counts[i] + 1);
            const std::uint32_t bits = all + (1U << log_bits) - std::min(own, all);
            costs[i] = std::max(least, bits >> shift);
        }
    }

    std::array<Cost, 256> literals_;
    std::array<Cost, longest_match + 1> lengths_{};
    std::array<Cost, distance_symbols> distances_;
};

class OptimalEncoder final : public Encoder {
  public:
    explicit OptimalEncoder(const DeflateSearch& search)
        : passes_(search.passes),
          matches_({search.depth, search.long_enough}),
          costs_(most_block_bytes + 1),
          choices_(most_block_bytes),
          tokens_(most_block_bytes) {}

    std::size_t encode(ByteView input, ByteSpan output, std::size_t limit_bytes) noexcept override {
        input_ = reinterpret_cast<const unsigned char*>(input.data());
        input_bytes_ = static_cast<std::uint32_t>(input.size());
        matches_.find(input);
        count_segments();
        choose_blocks();
        BitWriter out(output.first(std::min(output.size(), limit_bytes)));
        for (unsigned first = 0; first < segments_;) {
            const unsigned end = block_ends_[first];
            write(out, first, end);
            if (out.full()) return 0;
            first = end;
        }
        out.align();
        return out.full() ? 0 : out.size_bytes();
    }

  private:
    static constexpr unsigned most_segments = window_bytes / segment_bytes;

    std::uint32_t end_of(unsigned segments) const noexcept {
        return std::min(segments * segment_bytes, input_bytes_);
    }

    // The longest match of a place that is worth taking; length 0: none.
    Match longest(std::uint32_t at) const noexcept {
        constexpr std::uint32_t reach_of_3 = 1024;
        const auto list = matches_.at(at);
        if (list.empty()) return {0, 0};
        const Match last = list.back();
        if (last.length == shortest_match && last.distance > reach_of_3) return {0, 0};
        return last;
    }

    // The first idea: a longer match one place later is taken instead. A match that crosses a
    // border counts for the segment of its start.
    void count_segments() noexcept {
        segments_ = static_cast<unsigned>(ceil_div(input_bytes_, segment_bytes));
        std::uint32_t at = 0;
        for (unsigned segment = 0; segment < segments_; ++segment) {
            SymbolCounts& counts = counts_[segment];
            counts = {};
            for (const std::uint32_t end = end_of(segment + 1); at < end;) {
                const Match match = longest(at);
                const bool taken = match.length != 0 && (at + 1 >= input_bytes_ ||
                                                         longest(at + 1).length <= match.length);
                if (taken) {
                    ++counts.literal[first_length_symbol + slots_of_lengths[match.length]];
                    ++counts.distance[distance_slot(match.distance)];
                    at += match.length;
                } else {
                    ++counts.literal[input_[at++]];
                }
            }
        }
    }

    // For each segment at which a block may start, where that block ends.
    void choose_blocks() noexcept {
        std::array<std::uint64_t, most_segments + 1> cost;
        cost[segments_] = 0;
        for (unsigned first = segments_; first-- > 0;) {
            cost[first] = std::numeric_limits<std::uint64_t>::max();
            SymbolCounts counts;
            const unsigned last = std::min(segments_, first + most_block_segments);
            for (unsigned end = first + 1; end <= last; ++end) {
                counts.add(counts_[end - 1]);
                const std::uint64_t bits = estimated_bits(counts) + cost[end];
                if (bits < cost[first]) {
                    cost[first] = bits;
                    block_ends_[first] = end;
                }
            }
        }
    }

    void write(BitWriter& out, unsigned first, unsigned end) noexcept {
        const std::uint32_t start = end_of(first);
        const std::uint32_t size = end_of(end) - start;
        SymbolCounts counts;
        for (unsigned segment = first; segment < end; ++segment)
            counts.add(counts_[segment]);
        Block block;
        for (unsigned pass = 0; pass < passes_; ++pass) {
            choose(start, size, SymbolCosts(counts));
            block = collect(start, size, counts);
        }
        write_block(out, block, counts, end == segments_ ? Position::last : Position::inside);
    }

    // The cheapest way from each place of a block to its end, backwards.
    void choose(std::uint32_t start, std::uint32_t size, const SymbolCosts& symbols) noexcept {
        costs_[size] = 0;
        for (std::uint32_t at = size; at-- > 0;) {
            Cost best = symbols.literal(input_[start + at]) + costs_[at + 1];
            Match choice{0, 0};
            std::uint32_t length = shortest_match;
            const std::uint32_t room = size - at;
            for (const Match match : matches_.at(start + at)) {
                const std::uint32_t end = std::min<std::uint32_t>(match.length, room);
                const Cost distance = symbols.distance(match.distance);
                // The longest ends are as good as all: measured.
                if (end > length + last_lengths) length = end - last_lengths;
                for (; length <= end; ++length) {
                    const Cost cost = distance + symbols.length(length) + costs_[at + length];
                    if (cost < best) {
                        best = cost;
                        choice = {static_cast<std::uint16_t>(length), match.distance};
                    }
                }
            }
            costs_[at] = best;
            choices_[at] = choice;
        }
    }

    // What was chosen, as a block, and its symbols.
    Block collect(std::uint32_t start, std::uint32_t size, SymbolCounts& counts) noexcept {
        counts = {};
        TokenSink sink(tokens_.data(), &counts);
        for (std::uint32_t at = 0; at < size;) {
            const Match choice = choices_[at];
            const unsigned char byte = input_[start + at];
            if (choice.length != 0) {
                sink.put_match(choice.length, choice.distance);
                at += choice.length;
            } else if (at + 1 < size && choices_[at + 1].length == 0) {
                sink.put_literals(byte, input_[start + at + 1]);
                at += 2;
            } else {
                sink.put_literal(byte);
                ++at;
            }
        }
        const auto count = static_cast<std::size_t>(sink.end() - tokens_.data());
        return {input_ + start, size, std::span<const Token>(tokens_).first(count)};
    }

    static constexpr std::uint32_t last_lengths = 4;

    unsigned passes_;
    MatchLists matches_;
    const unsigned char* input_ = nullptr;
    std::uint32_t input_bytes_ = 0;
    unsigned segments_ = 0;
    std::array<SymbolCounts, most_segments> counts_;
    std::array<unsigned, most_segments> block_ends_{};
    std::vector<Cost> costs_;
    std::vector<Match> choices_;
    std::vector<Token> tokens_;
};

}  // namespace

std::unique_ptr<Encoder> make_deflate_optimal_encoder(const DeflateSearch& search) {
    return std::make_unique<OptimalEncoder>(search);
}

}  // namespace insitu
