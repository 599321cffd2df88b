// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "insitu/internal/image/window_reader.hpp"
#include "insitu/internal/ops/copy.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "window/window_packer.hpp"

namespace insitu {

// Decodes windows of an image and encodes them with other options, in memory. Not thread-safe: one
// a thread.
class WindowRecoder {
  public:
    WindowRecoder(const Image& image, const RecodeOptions& options);

    // The new map of the window, whose payloads have `old_sectors` now; none if they are not worth
    // it. Throws a `damaged` Error for an extent that cannot be read.
    std::optional<WindowMap> recode(WindowIndex window, std::uint64_t old_sectors,
                                    ExtentTotals& totals);
    // The new payloads of extents side by side in the last window, from a block of it on.
    ByteView payloads(unsigned first_block, std::uint64_t bytes) const;

  private:
    const Image& image_;
    std::optional<unsigned> worth_percent_;
    WindowReader reader_;
    WindowPacker packer_;
    AlignedBuffer content_{window_bytes};
    AlignedBuffer payloads_{window_bytes};  // each at the place of its first block
};

}  // namespace insitu
