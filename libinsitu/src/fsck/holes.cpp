// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/fsck/holes.hpp"

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/journal/recovery.hpp"

namespace insitu {

std::uint64_t punch_holes(const Image& image, Store& store, const Control& control) {
    // The redo stream of an intent is in holes.
    require_settled(store, PendingCheck::refuse);
    const Geometry& geometry = image.geometry();
    MetaCursor cursor(image);
    std::uint64_t punched_bytes = 0;
    std::uint64_t used_to = geometry.data_at_byte();
    const auto punch_to = [&](std::uint64_t byte) {
        if (byte <= used_to) return;
        // What is a hole already counts for nothing.
        if (store.next_data(used_to) >= byte) return;
        store.discard(used_to, byte - used_to);
        punched_bytes += byte - used_to;
    };
    const WindowIndex end{geometry.window_count()};
    for (WindowIndex window = cursor.next_mapped({0}); window < end;
         window = cursor.next_mapped(window + 1)) {
        throw_if_stopped(control);
        for (const StoredExtent& extent : cursor.extents_touching(window)) {
            if (extent.fault != ExtentFault::none || extent.unmapped()) continue;
            if (extent.first < first_block_of(window)) continue;
            const std::uint64_t start = geometry.block_at_byte(extent.first);
            punch_to(start);
            used_to = start + ceil_div(extent.payload_sectors, sectors_per_block) * block_bytes;
        }
    }
    punch_to(geometry.device_bytes());
    return punched_bytes;
}

}  // namespace insitu
