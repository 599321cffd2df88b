// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>

#include "insitu/internal/image/window_reader.hpp"
#include "insitu/internal/ops/copy.hpp"
#include "ops/window_writer.hpp"

namespace insitu {

// Decodes windows of an image and encodes them with other options, in memory. Not thread-safe: one
// a thread.
class WindowRecoder {
  public:
    WindowRecoder(const Image& image, const RecodeOptions& options);
    ~WindowRecoder();

    // The new map of the window, whose payloads have `old_sectors` now; none if they are not worth
    // it. Throws a `damaged` Error for an extent that cannot be read.
    std::optional<WindowMap> recode(WindowIndex window, std::uint64_t old_sectors,
                                    ExtentTotals& totals);
    // The new payloads of extents side by side in the last window, from a block of it on.
    ByteView payloads(unsigned first_block, std::uint64_t bytes) const;

  private:
    class WindowMemory;
    const Image& image_;
    std::optional<unsigned> worth_percent_;
    WindowReader reader_;
    std::unique_ptr<WindowMemory> memory_;
    WindowWriter writer_;
    AlignedBuffer content_{window_bytes};
};

}  // namespace insitu
