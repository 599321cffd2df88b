#include "codec/deflate_greedy.hpp"

#include <algorithm>
#include <array>

#include "codec/byte_words.hpp"
#include "codec/deflate_blocks.hpp"

// A window of 2 KiB is so small that the last place with the same bytes is mostly the only one.
namespace insitu {

namespace {

using deflate::Blocks;

constexpr std::uint32_t narrow_reach = 2048;
constexpr std::uint32_t wide_reach = 32768;
constexpr std::uint32_t margin_bytes = 24;  // no search starts so near the end of the input
constexpr unsigned skip_bits = 5;           // after 32 places without a match, steps grow

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

struct Input {
    const unsigned char* bytes;
    std::uint32_t size;

    // The length of a match of which the word at `at` is known.
    std::uint32_t match_length(std::uint32_t at, std::uint64_t word,
                               std::uint32_t distance) const noexcept {
        constexpr std::uint32_t word_bytes = sizeof word;
        const unsigned char* const later = bytes + at;
        const std::uint64_t difference = word ^ load_u64(later - distance);
        if (difference != 0) return first_difference(difference);
        return word_bytes + common_bytes(later + word_bytes, later + word_bytes - distance,
                                         size - at - word_bytes);
    }

    std::uint32_t extend_back(std::uint32_t at, std::uint32_t distance,
                              std::uint32_t least) const noexcept {
        while (at > least && at > distance && bytes[at - 1] == bytes[at - 1 - distance])
            --at;
        return at;
    }
};

Input input_of(ByteView input) noexcept {
    return {reinterpret_cast<const unsigned char*>(input.data()),
            static_cast<std::uint32_t>(input.size())};
}

std::uint32_t last_search(std::uint32_t input_bytes) noexcept {
    return input_bytes - std::min(input_bytes, margin_bytes);
}

ByteSpan limited(ByteSpan output, std::size_t limit_bytes) noexcept {
    return output.first(std::min(output.size(), limit_bytes));
}

template <unsigned hashed_bytes, unsigned bits, std::uint32_t reach>
class OneTableEncoder final : public Encoder {
  public:
    OneTableEncoder() : blocks_({32 * 1024, Blocks::Splitting::even}) {}

    std::size_t encode(ByteView input, ByteSpan output, std::size_t limit_bytes) noexcept override {
        blocks_.start(input, limited(output, limit_bytes));
        search(input_of(input));
        return blocks_.finish();
    }

  private:
    static std::uint32_t hash(std::uint64_t word) noexcept {
        return hash_bytes<hashed_bytes, bits>(word);
    }

    void search(Input input) noexcept {
        table_.fill(0);
        const std::uint32_t stop = last_search(input.size);
        std::uint32_t at = 1;
        while (at < stop) {
            std::uint64_t word = load_u64(input.bytes + at);
            std::uint32_t slot = hash(word);
            std::uint32_t distance;
            std::uint32_t next = at + 1;
            for (std::uint32_t step = 1U << skip_bits;; ++step) {
                if (next >= stop) return;
                const std::uint64_t next_word = load_u64(input.bytes + next);
                const std::uint32_t next_slot = hash(next_word);
                distance = replace(table_[slot], at);
                if (load_u32(input.bytes + at - distance) == static_cast<std::uint32_t>(word) &&
                    in_reach(distance, reach)) {
                    break;
                }
                at = next;
                word = next_word;
                slot = next_slot;
                next += step >> skip_bits;
            }
            const std::uint32_t end = at + input.match_length(at, word, distance);
            at = input.extend_back(at, distance, blocks_.literals());
            blocks_.put(at, end - at, distance);
            at = end;
            if (at < stop) {
                table_[hash(load_u64(input.bytes + at - 2))] = static_cast<std::uint16_t>(at - 2);
            }
        }
    }

    Table<bits> table_;
    Blocks blocks_;
};

class TwoTableEncoder final : public Encoder {
  public:
    TwoTableEncoder() : blocks_({8 * 1024, Blocks::Splitting::by_cost}) {}

    std::size_t encode(ByteView input, ByteSpan output, std::size_t limit_bytes) noexcept override {
        blocks_.start(input, limited(output, limit_bytes));
        search(input_of(input));
        return blocks_.finish();
    }

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

    void insert(Input input, std::uint32_t at) noexcept {
        const std::uint64_t word = load_u64(input.bytes + at);
        of_4_[hash_of_4(word)] = static_cast<std::uint16_t>(at);
        of_3_[hash_of_3(word)] = static_cast<std::uint16_t>(at);
    }

    // The next match that starts before `stop`; length 0: none.
    Match next_match(Input input, std::uint32_t at, std::uint32_t stop) noexcept {
        std::uint64_t word = load_u64(input.bytes + at);
        std::uint32_t slot_of_4 = hash_of_4(word);
        std::uint32_t slot_of_3 = hash_of_3(word);
        std::uint32_t next = at + 1;
        for (std::uint32_t step = 1U << skip_bits; next < stop; ++step) {
            const std::uint64_t next_word = load_u64(input.bytes + next);
            const std::uint32_t next_slot_of_4 = hash_of_4(next_word);
            const std::uint32_t next_slot_of_3 = hash_of_3(next_word);
            const std::uint32_t far = replace(of_4_[slot_of_4], at);
            const std::uint32_t near = replace(of_3_[slot_of_3], at);
            const auto four = static_cast<std::uint32_t>(word);
            if (in_reach(far, reach) && load_u32(input.bytes + at - far) == four) {
                return {at, input.match_length(at, word, far), far};
            }
            if (near - 1 < reach_of_3 &&
                ((load_u32(input.bytes + at - near) ^ four) & three_bytes) == 0) {
                return {at, input.match_length(at, word, near), near};
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
    Match look_ahead(Input input, Match match) noexcept {
        if (match.length >= long_enough) return match;
        const std::uint32_t at = match.at + 1;
        const std::uint64_t word = load_u64(input.bytes + at);
        const std::uint32_t distance = replace(of_4_[hash_of_4(word)], at);
        if (!in_reach(distance, reach) ||
            load_u32(input.bytes + at - distance) != static_cast<std::uint32_t>(word)) {
            return match;
        }
        const std::uint32_t length = input.match_length(at, word, distance);
        return length > match.length ? Match{at, length, distance} : match;
    }

    void search(Input input) noexcept {
        of_4_.fill(0);
        of_3_.fill(0);
        const std::uint32_t stop = last_search(input.size);
        std::uint32_t at = 1;
        while (at < stop) {
            Match match = next_match(input, at, stop);
            if (match.length == 0) return;
            match = look_ahead(input, match);
            const std::uint32_t end = match.at + match.length;
            const std::uint32_t start =
                input.extend_back(match.at, match.distance, blocks_.literals());
            blocks_.put(start, end - start, match.distance);
            if (end < stop) {
                insert(input, match.at + 2);
                insert(input, end - 2);
            }
            at = end;
        }
    }

    Table<bits_of_4> of_4_;
    Table<bits_of_3> of_3_;
    Blocks blocks_;
};

}  // namespace

std::unique_ptr<Encoder> make_deflate_fastest_encoder() {
    return std::make_unique<OneTableEncoder<5, 12, narrow_reach>>();
}

std::unique_ptr<Encoder> make_deflate_one_table_encoder() {
    return std::make_unique<OneTableEncoder<4, 12, narrow_reach>>();
}

std::unique_ptr<Encoder> make_deflate_wide_one_table_encoder() {
    return std::make_unique<OneTableEncoder<4, 13, wide_reach>>();
}

std::unique_ptr<Encoder> make_deflate_two_table_encoder() {
    return std::make_unique<TwoTableEncoder>();
}

}  // namespace insitu
