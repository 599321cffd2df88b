// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_chains.hpp"

#include <algorithm>
#include <array>

#include "codec/byte_words.hpp"
#include "codec/deflate_border_encoder.hpp"

namespace insitu {

namespace {

using deflate::Blocks;

constexpr unsigned bits_of_4 = 12;
constexpr unsigned bits_of_3 = 11;
constexpr unsigned skip_bits = 5;  // after 32 places without a match, steps grow
constexpr std::uint32_t reach = 2048;
constexpr std::uint32_t reach_of_3 = 1024;  // farther, three literals take less
constexpr std::uint32_t long_enough = 48;   // a match of this length ends the search
constexpr std::uint32_t three_bytes = 0xffffff;

class ChainEncoder final : public DeflateBorderEncoder {
  public:
    explicit ChainEncoder(unsigned depth)
        : DeflateBorderEncoder({1, Blocks::Splitting::by_cost}), depth_(depth) {}

  private:
    struct Match {
        std::uint32_t at = 0;
        std::uint32_t length = 0;
        std::uint32_t distance = 0;
    };

    void insert(std::uint32_t at, std::uint64_t word) noexcept {
        std::uint16_t& newest = newest_of_4_[hash_bytes<4, bits_of_4>(word)];
        before_[at % reach] = newest;
        newest = static_cast<std::uint16_t>(at);
        newest_of_3_[hash_bytes<3, bits_of_3>(word)] = static_cast<std::uint16_t>(at);
    }

    // The longest match at a place that is longer than `least`; length 0: none.
    Match find(std::uint32_t at, std::uint32_t least, unsigned depth) noexcept {
        const unsigned char* const here = input_ + at;
        const std::uint64_t word = load_u64(here);
        const auto four = static_cast<std::uint32_t>(word);
        std::uint32_t distance =
            static_cast<std::uint16_t>(at - newest_of_4_[hash_bytes<4, bits_of_4>(word)]);
        const std::uint32_t near =
            static_cast<std::uint16_t>(at - newest_of_3_[hash_bytes<3, bits_of_3>(word)]);
        insert(at, word);
        Match best{at, 0, 0};
        if (least < 3 && near - 1 < reach_of_3 &&
            ((load_u32(here - near) ^ four) & three_bytes) == 0) {
            best = {at, 3, near};
            least = 3;
        }
        const std::uint32_t limit = std::min(input_bytes_ - at, deflate::longest_match + 0U);
        std::uint32_t nearer = 0;
        for (; depth > 0 && distance - 1 < reach && distance > nearer && least < limit; --depth) {
            const unsigned char* const there = here - distance;
            if (there[least] == here[least] && load_u32(there) == four) {
                const std::uint64_t difference = load_u64(there) ^ word;
                const std::uint32_t length = difference != 0
                                                 ? first_difference(difference)
                                                 : 8 + common_bytes(here + 8, there + 8, limit - 8);
                if (length > least) {
                    least = length;
                    best = {at, length, distance};
                    if (length >= long_enough) break;
                }
            }
            nearer = distance;
            distance = static_cast<std::uint16_t>(at - before_[(at - distance) % reach]);
        }
        return best;
    }

    // A longer match at the next place, as long as there is one.
    Match look_ahead(Match match, std::uint32_t stop) noexcept {
        while (match.length < long_enough && match.at + 1 < stop) {
            const Match next = find(match.at + 1, match.length, (depth_ + 1) / 2);
            // Its distance may take two bits more.
            const bool far = next.distance > 4 * match.distance;
            if (next.length == 0 || next.length <= match.length + (far ? 1U : 0U)) break;
            match = next;
        }
        return match;
    }

    void reset() noexcept override {
        newest_of_4_.fill(0);
        newest_of_3_.fill(0);
        before_.fill(0);
    }

    std::uint32_t search(std::uint32_t at, std::uint32_t stop,
                         deflate::TokenSink& sink) noexcept override {
        std::uint32_t literals = at;  // of the input, the first byte that has no token yet
        std::uint32_t step = 1U << skip_bits;
        while (at < stop) {
            Match match = find(at, 2, depth_);
            if (match.length == 0) {
                at += step++ >> skip_bits;
                continue;
            }
            step = 1U << skip_bits;
            match = look_ahead(match, stop);
            at = match.at + match.length;
            sink.put_literals(input_ + literals, match.at - literals);
            sink.put_match(match.length, match.distance);
            literals = at;
            const std::uint32_t last = std::min(at, stop);
            for (std::uint32_t inside = match.at + 2; inside < last; ++inside)
                insert(inside, load_u64(input_ + inside));
        }
        if (literals < stop) {
            sink.put_literals(input_ + literals, stop - literals);
            literals = stop;
        }
        return literals;
    }

    unsigned depth_;
    std::array<std::uint16_t, 1U << bits_of_4> newest_of_4_{};
    std::array<std::uint16_t, 1U << bits_of_3> newest_of_3_{};
    std::array<std::uint16_t, reach> before_{};
};

}  // namespace

std::unique_ptr<BorderEncoder> make_deflate_chain_encoder(unsigned depth) {
    return std::make_unique<ChainEncoder>(depth);
}

}  // namespace insitu
