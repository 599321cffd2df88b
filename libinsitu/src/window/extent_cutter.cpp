// SPDX-License-Identifier: GPL-2.0-or-later
#include "window/extent_cutter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "insitu/internal/format/payload.hpp"

namespace insitu {

namespace {

// A read of one block fetches its whole extent, so an extent of k blocks and P sectors costs
// P * (1 + read_weight * k); an extent for itself costs cut_sectors on average (rounding, the
// length word, the encoder's cold start). The ideal length of blocks that take d sectors each is
// then sqrt(cut_sectors / (read_weight * d)).
constexpr double read_weight = 0.0025;
constexpr double cut_sectors = 2.2;
constexpr double shortest = 0.5;  // of the ideal length: where cuts are looked for
constexpr double longest = 1.1;
constexpr double at_once_sectors = -1.2;  // so much better than the mean price: take it
constexpr double host_weight = 0.15;      // of sectors that a host block of 4 KiB has left over

constexpr std::int64_t unit = 65536;

constexpr std::int64_t fixed(double value) {
    return static_cast<std::int64_t>(value * static_cast<double>(unit) + (value < 0 ? -0.5 : 0.5));
}

constexpr std::int64_t read_cost = fixed(read_weight);
constexpr std::int64_t host_cost = fixed(host_weight);
constexpr std::int64_t at_once = fixed(at_once_sectors);
constexpr std::int64_t end_bonus = fixed(cut_sectors / 2);
constexpr auto no_cut_below =
    static_cast<std::uint32_t>(512 * shortest * shortest * cut_sectors / read_weight);
constexpr auto no_cut_above =
    static_cast<std::uint32_t>(512 * longest * longest * cut_sectors / read_weight);
constexpr std::uint32_t hardly_packed_bytes = 3840;  // a block whose neighbour may well be raw
constexpr std::uint32_t price_step_bytes = 16;

std::int64_t extent_cost(unsigned blocks, std::uint32_t stream_bytes, bool raw) noexcept {
    if (raw) return std::int64_t{sectors_per_block} * blocks * (unit + read_cost);
    const auto sectors = static_cast<std::int64_t>(payload_sectors_for(stream_bytes));
    const std::int64_t left_over =
        (sectors_per_block - sectors % sectors_per_block) % sectors_per_block;
    return sectors * (unit + read_cost * blocks) + left_over * host_cost;
}

}  // namespace

ExtentCutter::ExtentCutter(const EncoderOptions& options)
    : choice_(make_border_choice(options)),
      probe_(is_slow_on_random(options) ? std::make_unique<CompressibilityProbe>() : nullptr),
      evidence_(evidence_for(options.algorithm)),
      stream_(encode_bound_bytes(window_bytes)) {
    // What a block ought to cost at the ideal length: d + 2 * sqrt(cut * weight * d) for d sectors,
    // at most what it costs raw.
    constexpr double raw = sectors_per_block * (1 + read_weight);
    for (std::size_t i = 0; i < prices_.size(); ++i) {
        const double middle = (static_cast<double>(i) + 0.5) * price_step_bytes;
        const double sectors = middle / static_cast<double>(sector_bytes);
        const double price = sectors + 2 * std::sqrt(cut_sectors * read_weight * sectors);
        prices_[i] = fixed(std::min(price, raw));
    }
}

ExtentCutter::Cost ExtentCutter::price_of_block(std::uint32_t stream_bytes) const noexcept {
    const std::size_t index = stream_bytes / price_step_bytes;
    return prices_[std::min(index, prices_.size() - 1)];
}

ExtentCutter::Piece ExtentCutter::choose(unsigned count) {
    constexpr unsigned whole_percent = 100;
    BorderEncoder& encoder = *choice_.encoder;
    Cost price = 0;
    Cost best = std::numeric_limits<Cost>::max();
    Piece piece{0, 0};
    std::uint32_t before = 0;
    for (unsigned blocks = 1; blocks <= count; ++blocks) {
        encoder.advance(blocks);
        const auto length = static_cast<std::uint32_t>(std::uint64_t{encoder.length_bytes(blocks)} *
                                                       choice_.packer_percent / whole_percent);
        const std::uint32_t added = length > before ? length - before : 0;
        before = length;
        const bool raw = length > longest_stream_bytes(blocks);
        if (blocks == 1 && raw) return {1, 0};
        price += price_of_block(added);
        const bool last = blocks == count;
        const Cost score = extent_cost(blocks, length, raw) - price - (last ? end_bonus : 0);
        const std::uint32_t weight = blocks * length;
        if (weight >= no_cut_below || last || added >= hardly_packed_bytes) {
            if (score < best) {
                best = score;
                piece = {blocks, raw ? 0 : length};
            }
            if (best < at_once) break;
        }
        if (weight >= no_cut_above && piece.blocks != 0) break;
    }
    return piece;
}

// The stream of an extent that was chosen; 0: raw after all.
std::uint32_t ExtentCutter::encode(ByteView extent) {
    const auto blocks = static_cast<unsigned>(extent.size() / block_bytes);
    const std::size_t limit = longest_stream_bytes(blocks);
    if (choice_.packer) {
        return static_cast<std::uint32_t>(choice_.packer->encode(extent, stream_.span(), limit));
    }
    const std::uint32_t length = choice_.encoder->finish(blocks);
    return length <= limit ? length : 0;
}

ExtentCutter::Piece ExtentCutter::cut(ByteView run) {
    // Each raw block is a start of its own, so what saves nothing has to be cheap.
    constexpr std::size_t probed_blocks = 4;
    const ByteView first =
        run.first(std::min<std::size_t>(run.size(), probed_blocks * block_bytes));
    if (probe_ && !probe_->compressible(first, evidence_)) {
        return {static_cast<unsigned>(first.size() / block_bytes), 0};
    }
    choice_.encoder->start(run, stream_.span());
    Piece piece = choose(static_cast<unsigned>(run.size() / block_bytes));
    if (piece.stream_bytes != 0) piece.stream_bytes = encode(run.first(piece.blocks * block_bytes));
    return piece;
}

}  // namespace insitu
