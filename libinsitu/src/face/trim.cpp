// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/trim.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"

namespace insitu {

namespace {

void require_inside(const OpenedImage& image, const std::vector<ByteRange>& ranges) {
    const std::uint64_t size = image.size_bytes();
    for (const ByteRange& range : ranges) {
        if (range.at_byte <= size && range.length_bytes <= size - range.at_byte) continue;
        throw Error(ErrorKind::refused, {},
                    fmt::format("a range of {} bytes at {} reaches beyond the end of the image "
                                "at {}",
                                range.length_bytes, range.at_byte, size));
    }
}

// Rising, apart from each other, and cut to whole blocks. Two that touch can have a block between
// them of which neither has all.
std::vector<ByteRange> whole_blocks(std::vector<ByteRange> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const ByteRange& a, const ByteRange& b) { return a.at_byte < b.at_byte; });
    std::vector<ByteRange> result;
    for (const ByteRange& range : ranges) {
        if (!result.empty() && range.at_byte <= result.back().end_byte()) {
            const std::uint64_t end = std::max(result.back().end_byte(), range.end_byte());
            result.back().length_bytes = end - result.back().at_byte;
        } else {
            result.push_back(range);
        }
    }
    for (ByteRange& range : result) {
        const std::uint64_t first = ceil_div(range.at_byte, block_bytes) * block_bytes;
        const std::uint64_t end = range.end_byte() / block_bytes * block_bytes;
        range = {first, end > first ? end - first : 0};
    }
    std::erase_if(result, [](const ByteRange& range) { return range.length_bytes == 0; });
    return result;
}

class Trimmer {
  public:
    Trimmer(OpenedImage& image, const TrimOptions& options, const Control& control)
        : image_(image), options_(options), control_(control) {}

    TrimResult run(const std::vector<ByteRange>& ranges) {
        control_.begin(image_.size_bytes());
        std::uint64_t done = 0;
        for (const ByteRange& range : ranges) {
            control_.advance(range.at_byte - done);
            result_.unused_bytes += range.length_bytes;
            trim_range(range);
            done = range.end_byte();
        }
        control_.advance(image_.size_bytes() - done);
        retry_kept();
        return result_;
    }

  private:
    // Sees to it that whoever stops the work waits for no more than a few windows.
    static constexpr std::uint64_t step_bytes = 64 * window_bytes;

    void trim_range(const ByteRange& range) {
        for (std::uint64_t at = range.at_byte; at < range.end_byte();) {
            for (const BlockRun& run : image_.map(at, range.end_byte() - at)) {
                const std::uint64_t length = run.blocks * block_bytes;
                if (run.mapped) trim_mapped({at, length});
                at += length;
                control_.advance(length);
            }
        }
    }

    void trim_mapped(const ByteRange& range) {
        if (options_.mode == TrimOptions::Mode::measure) {
            result_.freed_bytes += range.length_bytes;
            return;
        }
        for (std::uint64_t at = range.at_byte; at < range.end_byte();) {
            throw_if_stopped(control_);
            const std::uint64_t end =
                std::min(range.end_byte(), (at / step_bytes + 1) * step_bytes);
            free_or_keep({at, end - at});
            at = end;
        }
    }

    // A request that the journal has no room for changes nothing of its window: it is tried again
    // by windows, then once more when the others have made room.
    void free_or_keep(const ByteRange& range) {
        if (free(range)) return;
        for (std::uint64_t at = range.at_byte; at < range.end_byte();) {
            const std::uint64_t end =
                std::min(range.end_byte(), (at / window_bytes + 1) * window_bytes);
            const ByteRange part{at, end - at};
            if (!free(part)) kept_.push_back(part);
            at = end;
        }
    }

    bool free(const ByteRange& range) {
        const std::uint64_t before = mapped_bytes(range);
        try {
            image_.unmap(range.at_byte, range.length_bytes);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::refused || error.os_error() != ENOSPC) throw;
            result_.freed_bytes += before - mapped_bytes(range);
            return false;
        }
        result_.freed_bytes += before;
        return true;
    }

    std::uint64_t mapped_bytes(const ByteRange& range) const {
        std::uint64_t bytes = 0;
        for (const BlockRun& run : image_.map(range.at_byte, range.length_bytes))
            bytes += run.mapped ? run.blocks * block_bytes : 0;
        return bytes;
    }

    void retry_kept() {
        if (options_.mode == TrimOptions::Mode::measure) return;
        control_.syncing();
        image_.flush();
        bool more = !kept_.empty();
        while (more) {
            const std::size_t count = kept_.size();
            std::erase_if(kept_, [this](const ByteRange& range) { return free(range); });
            more = kept_.size() < count && !kept_.empty();
            image_.flush();
        }
        for (const ByteRange& range : kept_)
            result_.kept_bytes += mapped_bytes(range);
    }

    OpenedImage& image_;
    const TrimOptions& options_;
    const Control& control_;
    TrimResult result_;
    std::vector<ByteRange> kept_;
};

}  // namespace

TrimResult trim(OpenedImage& image, std::vector<ByteRange> unused, const TrimOptions& options,
                const Control& control) {
    require_inside(image, unused);
    return Trimmer(image, options, control).run(whole_blocks(std::move(unused)));
}

}  // namespace insitu
