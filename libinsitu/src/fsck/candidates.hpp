// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

// A payload that describes itself: a length word that fits its sectors and a stream of exactly that
// length which gives whole blocks. `extent.first + extent.blocks` may lie behind the bytes that
// were searched where the extent reaches over their end.
struct Candidate {
    Extent extent;
    std::uint32_t stream_bytes = 0;
    SealState seal = SealState::none;
};

// Finds such payloads. The word at the end of a sector names the length, the length names the
// number of sectors, and with it the start: so there is one candidate a sector, and no more than
// 256 streams are decoded for a window. One a thread.
class CandidateFinder {
  public:
    explicit CandidateFinder(Algorithm algorithm);

    // The candidates in `bytes`, whole blocks from block `first` of the window on, in order of
    // their start and then of their payload. Bit `b` of `unreadable` excludes payloads that touch
    // block b of the window. Valid until the next call.
    const std::vector<Candidate>& find(WindowIndex window, ByteView bytes, unsigned first,
                                       std::uint32_t unreadable);

    // Decodes one into `output`; false where it gives another length.
    bool decode(ByteView stream, ByteSpan output);

  private:
    void examine(BlockIndex bytes_first, ByteView bytes, unsigned first, std::uint64_t end_sector);

    std::unique_ptr<Decoder> decoder_;
    AlignedBuffer output_;
    std::vector<Candidate> found_;
};

}  // namespace insitu
