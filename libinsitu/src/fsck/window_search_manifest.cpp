// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "fsck/window_search.hpp"

// What a manifest proves of a window, before anything else is looked for.
namespace insitu {

// Extents that read today give way to a proof only as a whole.
bool WindowSearch::may_replace(const Extent& range) const {
    return std::all_of(
        input_->judged.begin(), input_->judged.end(), [&](const JudgedExtent& judged) {
            const bool inside =
                judged.extent.first >= range.first &&
                judged.extent.first + judged.extent.blocks <= range.first + range.blocks;
            return inside || judged.damaged() || judged.judgement == Judgement::unmapped ||
                   !overlap(judged.extent, range);
        });
}

// What a manifest proves is right, whatever its seal says: the seal is made anew.
void WindowSearch::reseal(Piece& piece) const {
    const ByteView payload =
        bytes_of(piece.extent).first(piece.extent.payload_sectors * sector_bytes);
    piece.payload.assign(payload.begin(), payload.end());
    seal_payload(piece.payload, first_block_of(input_->window) + piece.extent.first);
}

bool WindowSearch::prove(const ManifestExtent& expected) {
    const auto first =
        static_cast<unsigned>(expected.first.value - first_block_of(input_->window).value);
    const Extent range{first, static_cast<unsigned>(expected.blocks), 0};
    if (!may_replace(range)) return false;
    for (const Candidate& candidate : *candidates_) {
        if (candidate.extent.first != first || candidate.extent.blocks != range.blocks) continue;
        if (!decode(candidate)) continue;
        if (content_hash(content_.first(range.blocks * block_bytes)) != expected.hash) continue;
        Piece piece{candidate.extent, PieceKind::candidate, false, {}};
        if (candidate.seal == SealState::differs) reseal(piece);
        proven_.push_back(std::move(piece));
        return true;
    }
    if ((input_->unreadable & mask_of(range)) != 0) return false;
    if (content_hash(bytes_of(range)) != expected.hash) return false;
    proven_.push_back({{first, range.blocks, range.blocks * sectors_per_block},
                       PieceKind::raw_proven,
                       false,
                       {}});
    return true;
}

void WindowSearch::prove_by_manifest() {
    proven_.clear();
    for (const ManifestExtent& expected : input_->manifest) {
        const std::uint64_t first = expected.first.value - first_block_of(input_->window).value;
        if (first + expected.blocks > input_->blocks) continue;
        const Extent range{static_cast<unsigned>(first), static_cast<unsigned>(expected.blocks), 0};
        const bool wanted =
            input_->judged.empty() ||
            std::any_of(input_->judged.begin(), input_->judged.end(),
                        [&](const JudgedExtent& judged) {
                            return judged.damaged() && overlap(judged.extent, range);
                        });
        if (wanted && prove(expected)) mark(range, State::fixed);
    }
    prove_zeros();
    drop_partial_proofs();
}

// An extent that reads today is replaced as a whole or not at all: what is left of it would be
// tails of something else.
void WindowSearch::drop_partial_proofs() {
    std::uint32_t proven = 0;
    for (const Piece& piece : proven_)
        proven |= mask_of(piece.extent);
    for (const JudgedExtent& judged : input_->judged) {
        const std::uint32_t mask = mask_of(judged.extent);
        if (judged.judgement != Judgement::differs || judged.extent.unmapped()) continue;
        if ((mask & ~proven) == 0 || (mask & proven) == 0) continue;
        std::erase_if(proven_, [&](const Piece& piece) {
            if (!overlap(piece.extent, judged.extent)) return false;
            mark(piece.extent, State::undecided);
            return true;
        });
    }
}

// Blocks that the manifest has as zeros need no payload. A damaged extent is unmapped as a whole,
// or not at all: every block of it is zeros by the manifest, or has been proven to be something
// else. What reads today is not unmapped on the manifest's word alone.
void WindowSearch::prove_zeros() {
    const std::uint32_t zeros = input_->manifest_zeros;
    if (zeros == 0) return;
    std::uint32_t proven = zeros;
    for (const Piece& piece : proven_)
        proven |= mask_of(piece.extent);
    std::uint32_t unmap = input_->judged.empty() ? zeros : 0;
    for (const JudgedExtent& judged : input_->judged) {
        const std::uint32_t mask = mask_of(judged.extent);
        // Without sectors it is part of an extent over the border, which is stored again.
        const bool part = judged.judgement == Judgement::differs && judged.extent.unmapped();
        const bool sound = judged.judgement == Judgement::differs;
        if (sound && !options_.unmap_sound) continue;
        if (judged.damaged() && !part && (mask & ~proven) == 0) unmap |= mask & zeros;
    }
    for (unsigned block = 0; block < input_->blocks; ++block) {
        if (((unmap >> block) & 1) == 0) continue;
        proven_.push_back({{block, 1, 0}, PieceKind::zeros_proven, false, {}});
        mark({block, 1, 0}, State::fixed);
    }
}

}  // namespace insitu
