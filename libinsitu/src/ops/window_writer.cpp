// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/window_writer.hpp"

namespace insitu {

WindowWriter::WindowWriter(const PackOptions& options, const Geometry& geometry, Store& target)
    : packer_(options.codec, options.extents, options.seals),
      geometry_(geometry),
      target_(target.write_queue()) {}

WindowMap WindowWriter::write(WindowIndex window, ByteView content, ExtentTotals& totals) {
    const BlockIndex first_block = first_block_of(window);
    return packer_.pack(window, content, [&](const PackedRun& run) {
        target_->write_at(geometry_.block_at_byte(first_block + run.first), run.payload);
        const unsigned extent_blocks = run.raw_blocks ? 1 : run.blocks;
        const std::size_t extent_bytes = run.payload.size() / (run.blocks / extent_blocks);
        for (unsigned at = 0; at < run.blocks; at += extent_blocks) {
            digest_.add(first_block + run.first + at, extent_blocks,
                        run.payload.subspan(at / extent_blocks * extent_bytes, extent_bytes));
            totals.add(extent_blocks, static_cast<unsigned>(extent_bytes / sector_bytes));
        }
    });
}

}  // namespace insitu
