// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/meta_writer.hpp"

#include <algorithm>
#include <cstring>

#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

constexpr std::uint64_t span_meta_bytes = meta_span_windows * window_meta_bytes;
static_assert(span_meta_bytes % block_bytes == 0);

}  // namespace

MetaWriter::MetaWriter(Store& target, const Geometry& geometry, TargetContent content)
    : target_(target),
      geometry_(geometry),
      content_(content),
      buffer_(std::min<std::uint64_t>(
          span_meta_bytes, ceil_div(geometry.window_count(), group_windows) * group_meta_bytes)) {}

void MetaWriter::begin_span(WindowIndex window) {
    span_ = window.value / meta_span_windows;
    std::memset(buffer_.data(), 0, buffer_.size());
}

WindowIndex MetaWriter::span_end() const noexcept {
    return {std::min((span_ + 1) * meta_span_windows, geometry_.window_count())};
}

std::span<std::byte, window_meta_bytes> MetaWriter::slot(WindowIndex window) noexcept {
    const std::size_t at = (window.value - span_ * meta_span_windows) * window_meta_bytes;
    return buffer_.span().subspan(at).first<window_meta_bytes>();
}

void MetaWriter::write(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
    target_.write_at(geometry_.meta_at_byte() + offset_bytes,
                     buffer_.view().subspan(offset_bytes - span_ * span_meta_bytes, length_bytes));
    written_bytes_ += length_bytes;
}

// A new file has zeros there already; a device gets them.
void MetaWriter::clear_until(std::uint64_t offset_bytes) {
    if (content_ == TargetContent::unknown && offset_bytes > done_bytes_) {
        target_.zero(geometry_.meta_at_byte() + done_bytes_, offset_bytes - done_bytes_);
        written_bytes_ += offset_bytes - done_bytes_;
    }
    done_bytes_ = offset_bytes;
}

void MetaWriter::commit_span() {
    const std::uint64_t start = span_ * span_meta_bytes;
    const std::uint64_t end = std::min(start + buffer_.size(), geometry_.meta_bytes());
    clear_until(start);
    if (content_ == TargetContent::unknown) {
        write(start, end - start);
    } else {
        const auto unmapped = [&](std::uint64_t at) {
            return is_zero(buffer_.view().subspan(at - start, block_bytes));
        };
        for (std::uint64_t at = start; at < end;) {
            if (unmapped(at)) {
                at += block_bytes;
                continue;
            }
            std::uint64_t run_end = at + block_bytes;
            while (run_end < end && !unmapped(run_end))
                run_end += block_bytes;
            write(at, run_end - at);
            at = run_end;
        }
    }
    done_bytes_ = end;
}

void MetaWriter::finish() {
    clear_until(geometry_.meta_bytes());
}

}  // namespace insitu
