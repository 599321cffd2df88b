// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/candidates.hpp"

#include <algorithm>

namespace insitu {

CandidateFinder::CandidateFinder(Algorithm algorithm)
    : decoder_(make_decoder(algorithm)), output_(window_bytes) {}

bool CandidateFinder::decode(ByteView stream, ByteSpan output) {
    const DecodeResult result = decoder_->decode(stream, output);
    return result.status == DecodeStatus::ok && result.output_bytes == output.size();
}

// Looks at the length word at the end of the sector before `end_sector`.
void CandidateFinder::examine(BlockIndex bytes_first, ByteView bytes, unsigned first,
                              std::uint64_t end_sector) {
    const std::uint64_t end = end_sector * sector_bytes;
    const std::uint32_t length =
        unsafe_stream_length(bytes.subspan(end - sector_bytes, sector_bytes));
    if (length == 0 || length > longest_stream_bytes(window_blocks)) return;
    const std::uint64_t sectors = payload_sectors_for(length);
    if (sectors > end_sector || (end_sector - sectors) % sectors_per_block != 0) return;
    const auto block = static_cast<unsigned>((end_sector - sectors) / sectors_per_block);
    const std::uint64_t start = block * block_bytes;
    const DecodeResult result = decoder_->decode(bytes.subspan(start, length), output_.span());
    if (result.status != DecodeStatus::ok || result.output_bytes == 0) return;
    if (result.output_bytes % block_bytes != 0) return;
    const auto blocks = static_cast<unsigned>(result.output_bytes / block_bytes);
    // A writer keeps only what saves a sector, and never crosses the window.
    if (sectors >= std::uint64_t{sectors_per_block} * blocks ||
        first + block + blocks > window_blocks)
        return;
    const ByteView payload = bytes.subspan(start, sectors * sector_bytes);
    found_.push_back({{first + block, blocks, static_cast<unsigned>(sectors)},
                      length,
                      check_seal(payload, bytes_first + block)});
}

const std::vector<Candidate>& CandidateFinder::find(WindowIndex window, ByteView bytes,
                                                    unsigned first, std::uint32_t unreadable) {
    found_.clear();
    for (std::uint64_t end = 1; end <= bytes.size() / sector_bytes; ++end)
        examine(first_block_of(window) + first, bytes, first, end);
    std::erase_if(found_, [&](const Candidate& candidate) {
        const std::uint64_t touched = ceil_div(candidate.extent.payload_sectors, sectors_per_block);
        const std::uint64_t mask = ((std::uint64_t{1} << touched) - 1) << candidate.extent.first;
        return (unreadable & mask) != 0;
    });
    std::sort(found_.begin(), found_.end(), [](const Candidate& a, const Candidate& b) {
        return a.extent.first != b.extent.first
                   ? a.extent.first < b.extent.first
                   : a.extent.payload_sectors < b.extent.payload_sectors;
    });
    return found_;
}

}  // namespace insitu
