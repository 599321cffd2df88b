#include "ops/window_writer.hpp"

#include <algorithm>
#include <bit>

#include "image/zero_blocks.hpp"

namespace insitu {

WindowWriter::WindowWriter(const PackOptions& options, const Geometry& geometry, Store& target)
    : encoder_(options.codec), policy_(options.extents), geometry_(geometry), target_(target) {}

void WindowWriter::put(unsigned block, ByteView payload) {
    target_.write_at(geometry_.block_at_byte(first_block_ + block), payload);
}

void WindowWriter::write_extent(Cut cut) {
    const ByteView blocks = content_.subspan(cut.first * block_bytes, cut.blocks * block_bytes);
    const ByteView payload = encoder_.encode(blocks);
    const auto sectors = static_cast<unsigned>(payload.size() / sector_bytes);
    put(cut.first, payload);
    if (sectors == sectors_per_block * cut.blocks && policy_.blocks == 0) {
        // Raw blocks lie where they lie, however they are cut; small extents make small reads.
        for (unsigned i = 0; i < cut.blocks; ++i) {
            map_.set_extent({cut.first + i, 1, sectors_per_block});
            totals_->add(1, sectors_per_block);
        }
        return;
    }
    map_.set_extent({cut.first, cut.blocks, sectors});
    totals_->add(cut.blocks, sectors);
}

// A run of blocks that are not zeros, cut at the multiples of the extent size.
void WindowWriter::write_run(Cut run) {
    constexpr unsigned automatic_blocks = 8;
    const unsigned size = policy_.blocks != 0 ? policy_.blocks : automatic_blocks;
    const unsigned end = run.first + run.blocks;
    for (unsigned first = run.first; first < end;) {
        const unsigned next = std::min(end, (first / size + 1) * size);
        write_extent({first, next - first});
        first = next;
    }
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
