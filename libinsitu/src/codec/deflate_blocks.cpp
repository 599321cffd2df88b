#include "codec/deflate_blocks.hpp"

#include <algorithm>

#include "codec/deflate_estimate.hpp"

namespace insitu::deflate {

namespace {

constexpr std::uint32_t step_bytes = 16;  // of a copy, which may overshoot

}  // namespace

Blocks::Blocks(Options options)
    : options_(options),
      literals_(most_block_bytes + window_bytes / 4 + step_bytes),
      sequences_((most_block_bytes + window_bytes / 4) / shortest_match + 64) {}

void Blocks::start(ByteView input, ByteSpan output) noexcept {
    input_ = reinterpret_cast<const unsigned char*>(input.data());
    input_bytes_ = static_cast<std::uint32_t>(input.size());
    out_ = BitWriter(output);
    literals_at_ = 0;
    literal_count_ = 0;
    sequence_count_ = 0;
    segment_end_ = options_.segment_bytes;
    block_ = {};
    segment_ = {};
    counts_ = {};
}

void Blocks::put_sequence(std::uint32_t literals, std::uint32_t length,
                          std::uint32_t distance) noexcept {
    sequences_[sequence_count_++] = {static_cast<std::uint16_t>(literals),
                                     static_cast<std::uint16_t>(length),
                                     static_cast<std::uint16_t>(distance)};
    literals_at_ += literals + length;
    if (literals_at_ >= segment_end_) [[unlikely]]
        end_segment();
}

void Blocks::put(std::uint32_t at, std::uint32_t length, std::uint32_t distance) noexcept {
    if (at - literals_at_ > most_literals) [[unlikely]]
        put_long_literals(at);
    const std::uint32_t count = at - literals_at_;
    unsigned char* const to = literals_.data() + literal_count_;
    const unsigned char* const from = input_ + literals_at_;
    for (std::uint32_t done = 0; done < count; done += step_bytes)
        std::memcpy(to + done, from + done, step_bytes);
    literal_count_ += count;
    if (length > longest_match) [[unlikely]]
        return put_long_match(count, length, distance);
    put_sequence(count, length, distance);
}

// All but the last of a run of many literals.
void Blocks::put_long_literals(std::uint32_t end) noexcept {
    while (end - literals_at_ > most_literals) {
        std::memcpy(literals_.data() + literal_count_, input_ + literals_at_, most_literals);
        literal_count_ += most_literals;
        put_sequence(most_literals, 0, 0);
    }
}

void Blocks::put_long_match(std::uint32_t literals, std::uint32_t length,
                            std::uint32_t distance) noexcept {
    while (length > 0) {
        // What is left after a piece is a match, too.
        const std::uint32_t rest = length - std::min(length, longest_match);
        const std::uint32_t piece = rest == 0 || rest >= shortest_match
                                        ? std::min(length, longest_match)
                                        : length - shortest_match;
        put_sequence(literals, piece, distance);
        literals = 0;
        length -= piece;
    }
}

Block Blocks::between(Mark from, Mark to) const noexcept {
    return {input_ + from.input, to.input - from.input, literals_.data() + from.literal,
            to.literal - from.literal,
            std::span(sequences_).subspan(from.sequence, to.sequence - from.sequence)};
}

// Writes the block up to `end`; what comes after it stays, at the start of the lists.
void Blocks::write(Mark end, const SymbolCounts& counts, Position position) noexcept {
    const Block block = between({block_.input, 0, 0}, end);
    write_block(out_, block, counts, position);
    std::copy(literals_.begin() + end.literal, literals_.begin() + literal_count_,
              literals_.begin());
    std::copy(sequences_.begin() + end.sequence, sequences_.begin() + sequence_count_,
              sequences_.begin());
    literal_count_ -= end.literal;
    sequence_count_ -= end.sequence;
    block_ = {end.input, 0, 0};
}

void Blocks::end_segment() noexcept {
    const SymbolCounts added = count_symbols(between(segment_, here()));
    SymbolCounts together = counts_;
    together.add(added);
    const bool first = segment_.input == block_.input;
    const bool apart = !first && options_.splitting == Splitting::by_cost &&
                       estimated_bits(counts_) + estimated_bits(added) < estimated_bits(together);
    if (apart) write(segment_, counts_, Position::inside);
    counts_ = apart ? added : together;
    if (options_.splitting == Splitting::even ||
        literals_at_ - block_.input + options_.segment_bytes > most_block_bytes) {
        write(here(), counts_, Position::inside);
        counts_ = {};
    }
    segment_ = here();
    segment_end_ = literals_at_ + options_.segment_bytes;
}

std::size_t Blocks::finish() noexcept {
    put_long_literals(input_bytes_);
    const std::uint32_t count = input_bytes_ - literals_at_;
    std::memcpy(literals_.data() + literal_count_, input_ + literals_at_, count);
    literal_count_ += count;
    segment_end_ = input_bytes_ + 1;  // the end is no border to think about
    put_sequence(count, 0, 0);
    counts_.add(count_symbols(between(segment_, here())));
    write(here(), counts_, Position::last);
    out_.align();
    return out_.full() ? 0 : out_.size_bytes();
}

}  // namespace insitu::deflate
