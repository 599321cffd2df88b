// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo_border_encoder.hpp"

#include <algorithm>

namespace insitu {

namespace {

constexpr std::uint32_t no_border = std::numeric_limits<std::uint32_t>::max();

}  // namespace

std::uint32_t LzoBorderEncoder::end_of(unsigned blocks) const noexcept {
    return std::min(static_cast<std::uint32_t>(blocks * block_bytes), input_bytes_);
}

std::uint32_t LzoBorderEncoder::next_border() const noexcept {
    return borders_ == blocks_ ? no_border : end_of(borders_ + 1);
}

void LzoBorderEncoder::record_borders(std::uint32_t up_to, const Checkpoint& checkpoint) noexcept {
    while (borders_ < blocks_ && end_of(borders_ + 1) <= up_to)
        checkpoints_[borders_++] = checkpoint;
}

bool LzoBorderEncoder::keeps_match(const Checkpoint& checkpoint, std::uint32_t end) noexcept {
    if (checkpoint.distance == 0 || checkpoint.match >= end) return false;
    const std::uint32_t shortest = checkpoint.distance <= lzo::m2_distance ? 3 : 4;
    return end - checkpoint.match >= shortest;
}

void LzoBorderEncoder::start(ByteView run, ByteSpan output) noexcept {
    reset(run);
    input_ = reinterpret_cast<const unsigned char*>(run.data());
    input_bytes_ = static_cast<std::uint32_t>(run.size());
    output_ = reinterpret_cast<unsigned char*>(output.data());
    room_ = static_cast<std::uint32_t>(std::min<std::size_t>(output.size(), no_border));
    position_ = 1;  // a stream begins with a literal
    literals_ = 0;
    emitted_ = 0;
    blocks_ = static_cast<unsigned>(ceil_div(run.size(), block_bytes));
    if (blocks_ > checkpoints_.size()) checkpoints_.resize(blocks_);
    borders_ = 0;
    full_ = false;
}

void LzoBorderEncoder::advance(unsigned blocks) noexcept {
    const std::uint32_t stop = end_of(blocks);
    const std::uint32_t last = input_bytes_ - std::min(input_bytes_, margin_bytes);
    if (!full_ && position_ < std::min(stop, last)) search(std::min(stop, last));
    if (!full_) record_borders(stop, {emitted_, literals_, 0, 0});
}

std::uint32_t LzoBorderEncoder::length_bytes(unsigned blocks) noexcept {
    if (blocks > borders_) return does_not_fit;
    const Checkpoint& checkpoint = checkpoints_[blocks - 1];
    const std::uint32_t end = end_of(blocks);
    std::uint32_t length = checkpoint.output;
    std::uint32_t literals = checkpoint.literals;
    if (keeps_match(checkpoint, end)) {
        length += lzo::literal_cost(length == 0, checkpoint.match - literals) +
                  lzo::match_cost(end - checkpoint.match, checkpoint.distance);
        literals = end;
    }
    length += lzo::literal_cost(length == 0, end - literals) + lzo::end_marker_bytes;
    return length <= room_ ? length : does_not_fit;
}

std::uint32_t LzoBorderEncoder::finish(unsigned blocks) noexcept {
    if (length_bytes(blocks) == does_not_fit) return 0;
    const Checkpoint& checkpoint = checkpoints_[blocks - 1];
    const std::uint32_t end = end_of(blocks);
    const bool keeps = keeps_match(checkpoint, end);
    unsigned char* out = output_ + checkpoint.output;
    // The token before may already carry the count of literals that are no longer to follow.
    if (out != output_) out[-2] &= 0xfc;
    const std::uint32_t literals_end = keeps ? checkpoint.match : end;
    const std::uint32_t count = literals_end - checkpoint.literals;
    out = lzo::put_literal_head(out, out == output_, count);
    // To the byte: there may be no room for more.
    std::memcpy(out, input_ + checkpoint.literals, count);
    out += count;
    if (keeps) {
        // put_match() may overshoot by two bytes, the end marker takes three.
        out = lzo::put_match(out, end - checkpoint.match, checkpoint.distance);
    }
    out = lzo::put_end_marker(out);
    return static_cast<std::uint32_t>(out - output_);
}

}  // namespace insitu
