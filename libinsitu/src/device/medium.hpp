// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <span>

#include "device/content_cache.hpp"
#include "device/counters.hpp"
#include "device/meta_cache.hpp"
#include "device/workspace.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/device/device.hpp"
#include "insitu/internal/image/image.hpp"
#include "window/plan.hpp"

namespace insitu {

// The blocks [first, end) of one window.
struct WindowPart {
    WindowIndex window;
    unsigned first = 0;
    unsigned end = 0;

    unsigned blocks() const noexcept { return end - first; }
};

// An image as it is on the medium, with what the device keeps of it in memory: meta, and content
// that was decoded. Thread-safe, but who changes a window's extents in place keeps readers of that
// window away.
class Medium {
  public:
    Medium(Store& store, const DeviceOptions& options);

    Store& store() const noexcept { return store_; }
    const Geometry& geometry() const noexcept { return geometry_; }
    MetaCache& meta() noexcept { return meta_; }
    ContentCache& content() noexcept { return content_; }
    const ContentCache& content() const noexcept { return content_; }
    Workspaces& workspaces() noexcept { return workspaces_; }
    // For what nobody waits for: encoders of the default level, if the device's is a quicker one.
    Workspaces& idle_workspaces() noexcept { return idle_workspaces_; }

    Place place_of(WindowIndex window, unsigned block) const;
    std::uint64_t window_at_byte(WindowIndex window) const noexcept {
        return geometry_.block_at_byte(first_block_of(window));
    }
    // The window's map, if it is sound and no extent crosses its borders.
    std::optional<WindowMap> plain_map(WindowIndex window);
    bool starts_with_tail(WindowIndex window);

    // Reads blocks of a window from the extents that overlap them.
    void read_planned(const WindowPart& part, std::span<const PlannedExtent> extents,
                      ByteSpan output, Workspace& space);
    // The same of a window that the driver would not write: extents over borders, or faults.
    void read_unsound(const WindowPart& part, ByteSpan output) const;
    // All of one extent, wherever it is.
    void read_extent(WindowIndex window, const PlannedExtent& extent, ByteSpan output,
                     Workspace& space);

  private:
    struct Piece;
    void read_piece(WindowIndex window, const Piece& piece, ByteView in_place, std::size_t start,
                    ByteSpan output, Workspace& space);
    void decode(WindowIndex window, const PlannedExtent& extent, ByteView payload, ByteSpan output,
                PayloadDecoder& decoder) const;

    Store& store_;
    Image image_;
    Geometry geometry_;
    MetaCache meta_;
    ContentCache content_;
    SealCheck seal_check_;
    Workspaces workspaces_;
    Workspaces idle_workspaces_;
};

}  // namespace insitu
