// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/compressibility.hpp"

#include <algorithm>

#include "codec/byte_words.hpp"

namespace insitu {

namespace {

// Of each block, 8 runs of 32 bytes are counted.
constexpr std::size_t sample_step_bytes = 512;
constexpr std::size_t sample_run_bytes = 32;
constexpr std::size_t group_blocks = 4;
constexpr unsigned byte_values = 256;

// 256 * sum(p^2) - 1 is 0 for a flat distribution. Random bytes scatter by 0.022 for 1024 samples
// and by 0.003 for 8192, so these limits are 7 times the scatter. In fractions of 1 / samples.
constexpr std::uint64_t group_excess = 154;  // 0.15 of 1024
constexpr std::uint64_t whole_excess = 164;  // 0.02 of 8192

// Repeats are counted as the bytes beyond 3 that each match covers.
constexpr std::uint32_t enough_in_block = 12;
constexpr std::uint32_t enough_in_all = 24;
constexpr std::uint32_t longest_step = 16;
constexpr unsigned skip_bits = 5;

using Histogram = std::array<std::uint32_t, byte_values>;

bool is_uneven(const Histogram& counts, std::uint64_t samples, std::uint64_t excess) noexcept {
    std::uint64_t squares = 0;
    for (const std::uint32_t count : counts)
        squares += std::uint64_t{count} * count;
    // 256 * squares / samples^2 - 1 - 255 / samples > excess / samples, without division
    return byte_values * squares > samples * (samples + byte_values - 1 + excess);
}

}  // namespace

bool CompressibilityProbe::uneven_bytes(ByteView blocks) const noexcept {
    Histogram all{};
    std::uint64_t all_samples = 0;
    for (std::size_t at = 0; at < blocks.size(); at += group_blocks * block_bytes) {
        const std::size_t end =
            std::min<std::size_t>(at + group_blocks * block_bytes, blocks.size());
        Histogram group{};
        std::uint64_t samples = 0;
        for (std::size_t run = at; run < end; run += sample_step_bytes) {
            for (std::size_t i = 0; i < sample_run_bytes; ++i) {
                ++group[std::to_integer<unsigned>(blocks[run + i])];
            }
            samples += sample_run_bytes;
        }
        if (is_uneven(group, samples, group_excess)) return true;
        for (unsigned i = 0; i < byte_values; ++i)
            all[i] += group[i];
        all_samples += samples;
    }
    return is_uneven(all, all_samples, whole_excess);
}

bool CompressibilityProbe::has_repeats(ByteView blocks) noexcept {
    positions_.fill(0);
    const auto* const in = reinterpret_cast<const unsigned char*>(blocks.data());
    std::uint32_t all = 0;
    for (std::size_t start = 0; start < blocks.size(); start += block_bytes) {
        const auto end = static_cast<std::uint32_t>(start + block_bytes);
        auto at = static_cast<std::uint32_t>(start);
        std::uint32_t missed_from = at;
        std::uint32_t in_block = 0;
        while (at < end - 8) {
            const std::uint32_t value = load_u32(in + at);
            std::uint32_t& entry = positions_[value * 2654435761U >> 21];
            const std::uint32_t earlier = entry;
            entry = at;
            if (earlier == at || load_u32(in + earlier) != value) {
                at += 1 + std::min((at - missed_from) >> skip_bits, longest_step - 1);
                continue;
            }
            std::uint32_t length = 4;
            while (at + length < end && in[at + length] == in[earlier + length])
                ++length;
            in_block += length - 3;
            if (in_block >= enough_in_block) return true;
            at += length;
            missed_from = at;
        }
        all += in_block;
    }
    return all >= enough_in_all;
}

bool CompressibilityProbe::compressible(ByteView blocks, Evidence evidence) noexcept {
    if (evidence == Evidence::repeats_and_distribution && uneven_bytes(blocks)) return true;
    return has_repeats(blocks);
}

bool is_slow_on_random(const EncoderOptions& options) noexcept {
    constexpr Level last_greedy_lzo{4};
    return options.algorithm == Algorithm::deflate || options.level > last_greedy_lzo;
}

CompressibilityProbe::Evidence evidence_for(Algorithm algorithm) noexcept {
    using Evidence = CompressibilityProbe::Evidence;
    return algorithm == Algorithm::deflate ? Evidence::repeats_and_distribution : Evidence::repeats;
}

}  // namespace insitu
