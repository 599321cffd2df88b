// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/store.hpp"

namespace insitu {

// What the target held before: a new file reads as zeros, a device holds anything.
enum class TargetContent { zeros, unknown };

// Windows whose meta is kept in memory until their payloads are on the medium: 32 GiB of device,
// 5 MiB of meta.
inline constexpr std::uint64_t meta_span_windows = 256 * group_windows;

// Collects the meta of a new image span by span and writes it, in rising order. Windows that are
// never touched end up unmapped. slot() may be used by several threads, for different windows.
class INSITU_API MetaWriter {
  public:
    MetaWriter(Store& target, const Geometry& geometry, TargetContent content);

    // Starts the span that holds `window`, which lies behind all earlier spans.
    void begin_span(WindowIndex window);
    // The first window behind the current span.
    WindowIndex span_end() const noexcept;
    std::span<std::byte, window_meta_bytes> slot(WindowIndex window) noexcept;
    // Writes the span. The caller has synced the payloads of its windows.
    void commit_span();
    // Makes the rest of the meta area read as unmapped.
    void finish();

    std::uint64_t written_bytes() const noexcept { return written_bytes_; }

  private:
    void clear_until(std::uint64_t offset_bytes);
    void write(std::uint64_t offset_bytes, std::uint64_t length_bytes);

    Store& target_;
    Geometry geometry_;
    TargetContent content_;
    AlignedBuffer buffer_;
    std::uint64_t span_ = 0;
    std::uint64_t done_bytes_ = 0;  // of the meta area
    std::uint64_t written_bytes_ = 0;
};

}  // namespace insitu
