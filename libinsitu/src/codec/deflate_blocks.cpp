// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_blocks.hpp"

#include <algorithm>

#include "codec/deflate_estimate.hpp"

namespace insitu::deflate {

namespace {

constexpr std::uint32_t step_bytes = 16;  // of a copy, which may overshoot

}  // namespace

Blocks::Blocks(Options options)
    : options_(options),
      literals_(window_bytes + step_bytes),
      // Each covers a match, or many literals.
      sequences_(window_bytes / shortest_match + window_bytes / most_literals + 2) {}

std::uint32_t Blocks::end_of(unsigned blocks) const noexcept {
    return std::min(static_cast<std::uint32_t>(blocks * block_bytes), input_bytes_);
}

void Blocks::start(ByteView input) noexcept {
    input_ = reinterpret_cast<const unsigned char*>(input.data());
    input_bytes_ = static_cast<std::uint32_t>(input.size());
    here_ = {};
    borders_ = 0;
    const std::size_t all = ceil_div(input.size(), block_bytes);
    if (all > at_border_.size()) at_border_.resize(all);
    next_border_ = end_of(1);
    estimated_ = 0;
    estimate_ = {};
    pending_ = {};
    pending_from_ = pending_to_ = 0;
}

void Blocks::record_borders(std::uint32_t up_to, std::uint32_t at,
                            std::uint32_t distance) noexcept {
    const auto all = static_cast<unsigned>(ceil_div(input_bytes_, block_bytes));
    while (borders_ < all && end_of(borders_ + 1) <= up_to)
        at_border_[borders_++] = {here_, at, distance};
    next_border_ = borders_ < all ? end_of(borders_ + 1) : input_bytes_ + 1;
}

void Blocks::put(std::uint32_t at, std::uint32_t length, std::uint32_t distance) noexcept {
    if (at + length >= next_border_) [[unlikely]]
        record_borders(at + length, at, distance);
    append(at, length, distance);
}

void Blocks::append(std::uint32_t at, std::uint32_t length, std::uint32_t distance) noexcept {
    if (at - here_.input > most_literals) [[unlikely]]
        append_literals(at, most_literals);
    const std::uint32_t count = at - here_.input;
    unsigned char* const to = literals_.data() + here_.literal;
    const unsigned char* const from = input_ + here_.input;
    for (std::uint32_t done = 0; done < count; done += step_bytes)
        std::memcpy(to + done, from + done, step_bytes);
    here_.literal += count;
    if (length > longest_match) [[unlikely]]
        return append_long_match(count, length, distance);
    append_sequence(count, length, distance);
}

void Blocks::append_sequence(std::uint32_t literals, std::uint32_t length,
                             std::uint32_t distance) noexcept {
    sequences_[here_.sequence++] = {static_cast<std::uint16_t>(literals),
                                    static_cast<std::uint16_t>(length),
                                    static_cast<std::uint16_t>(distance)};
    here_.input += literals + length;
}

void Blocks::append_literals(std::uint32_t end, std::uint32_t least) noexcept {
    while (end - here_.input > least) {
        const std::uint32_t count = std::min(end - here_.input, most_literals);
        std::memcpy(literals_.data() + here_.literal, input_ + here_.input, count);
        here_.literal += count;
        append_sequence(count, 0, 0);
    }
}

void Blocks::append_long_match(std::uint32_t literals, std::uint32_t length,
                               std::uint32_t distance) noexcept {
    while (length > 0) {
        // What is left after a piece is a match, too.
        const std::uint32_t rest = length - std::min(length, longest_match);
        const std::uint32_t piece = rest == 0 || rest >= shortest_match
                                        ? std::min(length, longest_match)
                                        : length - shortest_match;
        append_sequence(literals, piece, distance);
        literals = 0;
        length -= piece;
    }
}

Block Blocks::between(Mark from, Mark to) const noexcept {
    return {input_ + from.input, to.input - from.input, literals_.data() + from.literal,
            to.literal - from.literal,
            std::span(sequences_).subspan(from.sequence, to.sequence - from.sequence)};
}

std::uint32_t Blocks::estimated_bytes(unsigned blocks) noexcept {
    record_borders(end_of(blocks), 0, 0);
    for (; estimated_ < blocks; ++estimated_) {
        const Mark from = estimated_ == 0 ? Mark{} : at_border_[estimated_ - 1].mark;
        estimate_.add(count_symbols(between(from, at_border_[estimated_].mark)));
    }
    // What comes after the last whole match: literals, and perhaps a part of a match.
    const Border& border = at_border_[blocks - 1];
    const std::uint32_t end = end_of(blocks);
    count_pending(border.mark.input, border.distance != 0 ? std::min(border.at, end) : end);
    SymbolCounts all = estimate_;
    all.add(pending_);
    return static_cast<std::uint32_t>((estimated_bits(all) + extra_bits(all)) / 8 + 1);
}

void Blocks::count_pending(std::uint32_t from, std::uint32_t to) noexcept {
    if (from != pending_from_ || to < pending_to_) {
        pending_ = {};
        pending_from_ = pending_to_ = from;
    }
    for (; pending_to_ < to; ++pending_to_)
        ++pending_.literal[input_[pending_to_]];
}

// Everything that was put beyond a border is forgotten.
void Blocks::end_at(unsigned blocks) noexcept {
    record_borders(end_of(blocks), 0, 0);
    const Border border = at_border_[blocks - 1];
    const std::uint32_t end = end_of(blocks);
    here_ = border.mark;
    if (border.distance != 0 && border.at + shortest_match <= end) {
        append_literals(border.at, most_literals);
        const std::uint32_t count = border.at - here_.input;
        std::memcpy(literals_.data() + here_.literal, input_ + here_.input, count);
        here_.literal += count;
        append_long_match(count, end - border.at, border.distance);
    }
    append_literals(end, 0);
}

std::size_t Blocks::finish(unsigned blocks, ByteSpan output) noexcept {
    end_at(blocks);
    BitWriter out(output);
    Mark start;
    Mark segment;
    SymbolCounts counts;
    for (unsigned end = options_.segment_blocks;; end += options_.segment_blocks) {
        const Mark mark = end < blocks ? at_border_[end - 1].mark : here_;
        // A segment inside one match has nothing of its own.
        if (mark.sequence != segment.sequence) {
            const SymbolCounts added = count_symbols(between(segment, mark));
            SymbolCounts together = counts;
            together.add(added);
            const bool apart =
                segment.sequence != start.sequence &&
                (options_.splitting == Splitting::even ||
                 estimated_bits(counts) + estimated_bits(added) < estimated_bits(together));
            if (apart) {
                write_block(out, between(start, segment), counts, Position::inside);
                start = segment;
            }
            counts = apart ? added : together;
            segment = mark;
        }
        if (end >= blocks) break;
    }
    write_block(out, between(start, here_), counts, Position::last);
    out.align();
    return out.full() ? 0 : out.size_bytes();
}

}  // namespace insitu::deflate
