// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate_blocks.hpp"

#include <algorithm>

#include "codec/deflate_estimate.hpp"

namespace insitu::deflate {

namespace {

// Matches that reach over a border are taken back, and literals may come instead.
constexpr std::size_t spare_tokens = 4;

}  // namespace

Blocks::Blocks(Options options)
    : options_(options),
      marks_(window_blocks),
      counts_(window_blocks),
      tokens_(window_bytes + spare_tokens) {}

std::uint32_t Blocks::end_of(unsigned blocks) const noexcept {
    return std::min(static_cast<std::uint32_t>(blocks * block_bytes), input_bytes_);
}

void Blocks::start(ByteView input) noexcept {
    input_ = reinterpret_cast<const unsigned char*>(input.data());
    input_bytes_ = static_cast<std::uint32_t>(input.size());
    borders_ = 0;
    estimated_ = 0;
    estimate_ = {};
    const std::size_t blocks = ceil_div(input.size(), block_bytes);
    if (blocks <= marks_.size()) return;
    marks_.resize(blocks);
    counts_.resize(blocks);
    tokens_.resize(input.size() + spare_tokens);
}

TokenSink Blocks::sink() noexcept {
    counts_[borders_] = {};
    return {tokens_.data() + at(borders_).tokens, &counts_[borders_]};
}

void Blocks::end_border(const TokenSink& sink, std::uint32_t position) noexcept {
    marks_[borders_++] = {position, static_cast<std::uint32_t>(sink.end() - tokens_.data())};
}

Block Blocks::between(Mark from, Mark to) const noexcept {
    return {input_ + from.input, to.input - from.input,
            std::span(tokens_).subspan(from.tokens, to.tokens - from.tokens)};
}

std::uint32_t Blocks::estimated_bytes(unsigned blocks) noexcept {
    for (; estimated_ < blocks; ++estimated_)
        estimate_.add(counts_[estimated_]);
    return static_cast<std::uint32_t>((estimated_bits(estimate_) + extra_bits(estimate_)) / 8 + 1);
}

// Everything beyond a border is forgotten: of a match that reaches over it, a part is kept.
void Blocks::end_at(unsigned border) noexcept {
    const std::uint32_t end = end_of(border);
    Mark mark = at(border);
    unsigned owner = border;  // the border before which the last token was taken
    while (mark.input > end) {
        const Token token = tokens_[--mark.tokens];
        mark.input -= length_of(token);
        while (at(owner - 1).tokens > mark.tokens)
            --owner;
        counts_[owner - 1].remove(token);
        if (mark.input >= end) continue;
        TokenSink sink(tokens_.data() + mark.tokens, &counts_[owner - 1]);
        if (end - mark.input >= shortest_match) {
            sink.put_match(end - mark.input, distance_of(token));
        } else {
            sink.put_literals(input_ + mark.input, end - mark.input);
        }
        mark = {end, static_cast<std::uint32_t>(sink.end() - tokens_.data())};
    }
    // Those between are inside the match, too.
    for (unsigned inside = owner; inside <= border; ++inside)
        marks_[inside - 1] = mark;
}

std::size_t Blocks::finish(unsigned blocks, ByteSpan output) noexcept {
    end_at(blocks);
    BitWriter out(output);
    Mark start;
    Mark segment;
    SymbolCounts counts;
    std::uint64_t bits = 0;  // that the block takes up to `segment`, estimated
    for (unsigned done = 0; done < blocks;) {
        const unsigned end = std::min(done + options_.segment_blocks, blocks);
        SymbolCounts added = counts_[done];
        while (++done < end)
            added.add(counts_[done]);
        const Mark mark = at(end);
        // A segment inside one match has nothing of its own.
        if (mark.tokens == segment.tokens) continue;
        SymbolCounts together = counts;
        together.add(added);
        bool apart = segment.tokens != start.tokens;
        if (options_.splitting == Splitting::by_cost) {
            const std::uint64_t added_bits = estimated_bits(added);
            const std::uint64_t together_bits = apart ? estimated_bits(together) : added_bits;
            apart = apart && bits + added_bits < together_bits;
            bits = apart ? added_bits : together_bits;
        }
        if (apart) {
            write_block(out, between(start, segment), counts, Position::inside);
            start = segment;
        }
        counts = apart ? added : together;
        segment = mark;
    }
    write_block(out, between(start, at(blocks)), counts, Position::last);
    out.align();
    return out.full() ? 0 : out.size_bytes();
}

}  // namespace insitu::deflate
