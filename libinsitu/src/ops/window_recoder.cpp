// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/window_recoder.hpp"

#include <cstring>

namespace insitu {

WindowRecoder::WindowRecoder(const Image& image, const RecodeOptions& options)
    : image_(image),
      worth_percent_(options.worth_percent),
      reader_(image),
      packer_(options.codec, options.extents, options.seals) {}

std::optional<WindowMap> WindowRecoder::recode(WindowIndex window, std::uint64_t old_sectors,
                                               ExtentTotals& totals) {
    constexpr std::uint64_t whole_percent = 100;
    const ByteSpan content =
        content_.first(image_.geometry().blocks_in_window(window) * block_bytes);
    reader_.read(window, content, nullptr);
    ExtentTotals recoded;
    const WindowMap map = packer_.pack(window, content, [&](const PackedRun& run) {
        std::memcpy(payloads_.data() + run.first * block_bytes, run.payload.data(),
                    run.payload.size());
    });
    for (const Extent extent : map.extents()) {
        if (!extent.unmapped()) recoded.add(extent.blocks, extent.payload_sectors);
    }
    if (worth_percent_ &&
        recoded.payload_sectors * whole_percent > old_sectors * (whole_percent - *worth_percent_)) {
        return std::nullopt;
    }
    totals += recoded;
    return map;
}

ByteView WindowRecoder::payloads(unsigned first_block, std::uint64_t bytes) const {
    return payloads_.view().subspan(first_block * block_bytes, bytes);
}

}  // namespace insitu
