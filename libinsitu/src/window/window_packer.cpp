// SPDX-License-Identifier: GPL-2.0-or-later
#include "window/window_packer.hpp"

#include <algorithm>
#include <bit>

#include "insitu/internal/format/payload.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

WindowPacker::WindowPacker(const EncoderOptions& options, ExtentPolicy policy, Seals seals)
    : encoder_(options, seals), seals_(seals), policy_(policy) {
    if (policy_.blocks == 0) cutter_ = std::make_unique<ExtentCutter>(options);
}

ByteView WindowPacker::content_of(Cut cut) const {
    return content_.subspan(cut.first * block_bytes, cut.blocks * block_bytes);
}

void WindowPacker::add_extent(Cut cut, ByteView payload) {
    map_.set_extent({cut.first, cut.blocks, static_cast<unsigned>(payload.size() / sector_bytes)});
    (*take_)({cut.first, cut.blocks, false, payload});
}

// Raw blocks lie where they lie, however they are cut; small extents make small reads.
void WindowPacker::add_raw_blocks(Cut cut) {
    for (unsigned i = 0; i < cut.blocks; ++i)
        map_.set_extent({cut.first + i, 1, sectors_per_block});
    (*take_)({cut.first, cut.blocks, true, content_of(cut)});
}

// Cut at the multiples of the extent size.
void WindowPacker::pack_evenly(Cut run) {
    const unsigned size = policy_.blocks;
    const unsigned end = run.first + run.blocks;
    for (unsigned first = run.first; first < end;) {
        const unsigned next = std::min(end, (first / size + 1) * size);
        const Cut cut{first, next - first};
        add_extent(cut, encoder_.encode(first_block_ + first, content_of(cut)));
        first = next;
    }
}

void WindowPacker::pack_by_content(Cut run) {
    Cut raw{run.first, 0};  // raw blocks side by side are one run
    const auto flush_raw = [&] {
        if (raw.blocks > 0) add_raw_blocks(raw);
    };
    while (run.blocks > 0) {
        const ExtentCutter::Piece piece = cutter_->cut(content_of(run));
        if (piece.stream_bytes == 0) {
            raw.blocks += piece.blocks;
        } else {
            flush_raw();
            const ByteSpan payload =
                cutter_->stream().first(payload_sectors_for(piece.stream_bytes) * sector_bytes);
            frame_payload(payload, piece.stream_bytes);
            if (seals_ == Seals::write) seal_payload(payload, first_block_ + run.first);
            add_extent({run.first, piece.blocks}, payload);
            raw = {run.first + piece.blocks, 0};
        }
        run = {run.first + piece.blocks, run.blocks - piece.blocks};
    }
    flush_raw();
}

// A run of blocks that are not zeros.
void WindowPacker::pack_run(Cut run) {
    if (cutter_) return pack_by_content(run);
    pack_evenly(run);
}

WindowMap WindowPacker::pack(WindowIndex window, ByteView content, const Take& take) {
    first_block_ = first_block_of(window);
    content_ = content;
    take_ = &take;
    map_ = WindowMap(static_cast<unsigned>(content.size() / block_bytes));
    for (std::uint32_t left = nonzero_blocks(content); left != 0;) {
        const auto first = static_cast<unsigned>(std::countr_zero(left));
        const auto length = static_cast<unsigned>(std::countr_one(left >> first));
        pack_run({first, length});
        left &= first + length < window_blocks ? ~std::uint32_t{0} << (first + length) : 0;
    }
    return map_;
}

}  // namespace insitu
