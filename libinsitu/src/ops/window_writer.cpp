// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/window_writer.hpp"

#include <algorithm>
#include <bit>

#include "image/zero_blocks.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/format/seal.hpp"

namespace insitu {

WindowWriter::WindowWriter(const PackOptions& options, const Geometry& geometry, Store& target)
    : encoder_(options.codec, options.seals),
      seals_(options.seals),
      policy_(options.extents),
      geometry_(geometry),
      target_(target.write_queue()) {
    if (policy_.blocks == 0) cutter_ = std::make_unique<ExtentCutter>(options.codec);
}

ByteView WindowWriter::content_of(Cut cut) const {
    return content_.subspan(cut.first * block_bytes, cut.blocks * block_bytes);
}

void WindowWriter::record(Cut cut, ByteView payload) {
    const auto sectors = static_cast<unsigned>(payload.size() / sector_bytes);
    target_->write_at(geometry_.block_at_byte(first_block_ + cut.first), payload);
    map_.set_extent({cut.first, cut.blocks, sectors});
    digest_.add(first_block_ + cut.first, cut.blocks, payload);
    totals_->add(cut.blocks, sectors);
}

// Raw blocks lie where they lie, however they are cut; small extents make small reads.
void WindowWriter::write_raw_blocks(Cut cut) {
    target_->write_at(geometry_.block_at_byte(first_block_ + cut.first), content_of(cut));
    for (unsigned i = 0; i < cut.blocks; ++i) {
        map_.set_extent({cut.first + i, 1, sectors_per_block});
        digest_.add(first_block_ + cut.first + i, 1, content_of({cut.first + i, 1}));
        totals_->add(1, sectors_per_block);
    }
}

void WindowWriter::write_extent(Cut cut) {
    record(cut, encoder_.encode(first_block_ + cut.first, content_of(cut)));
}

// Cut at the multiples of the extent size.
void WindowWriter::write_evenly(Cut run) {
    const unsigned size = policy_.blocks;
    const unsigned end = run.first + run.blocks;
    for (unsigned first = run.first; first < end;) {
        const unsigned next = std::min(end, (first / size + 1) * size);
        write_extent({first, next - first});
        first = next;
    }
}

void WindowWriter::write_by_content(Cut run) {
    Cut raw{run.first, 0};  // raw blocks side by side are written at once
    const auto flush_raw = [&] {
        if (raw.blocks > 0) write_raw_blocks(raw);
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
            record({run.first, piece.blocks}, payload);
            raw = {run.first + piece.blocks, 0};
        }
        run = {run.first + piece.blocks, run.blocks - piece.blocks};
    }
    flush_raw();
}

// A run of blocks that are not zeros.
void WindowWriter::write_run(Cut run) {
    if (cutter_) return write_by_content(run);
    write_evenly(run);
}

WindowMap WindowWriter::write(WindowIndex window, ByteView content, ExtentTotals& totals) {
    first_block_ = first_block_of(window);
    content_ = content;
    totals_ = &totals;
    map_ = WindowMap(static_cast<unsigned>(content.size() / block_bytes));
    for (std::uint32_t left = nonzero_blocks(content); left != 0;) {
        const auto first = static_cast<unsigned>(std::countr_zero(left));
        const auto length = static_cast<unsigned>(std::countr_one(left >> first));
        write_run({first, length});
        left &= first + length < window_blocks ? ~std::uint32_t{0} << (first + length) : 0;
    }
    return map_;
}

}  // namespace insitu
