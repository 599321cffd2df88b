// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/sound_meta.hpp"

#include <fmt/format.h>

#include "insitu/error.hpp"

namespace insitu {

namespace {

[[noreturn]] void refuse(const Image& image, const StoredExtent& extent, const std::string& text,
                         const char* hint) {
    throw Error(ErrorKind::damaged,
                {.file = image.store().name(),
                 .window = window_of(extent.first),
                 .block = extent.first,
                 .byte = image.geometry().block_at_byte(extent.first)},
                text, hint);
}

}  // namespace

void require_sound(const Image& image, MetaCursor& cursor, const StoredExtent& extent,
                   WindowIndex window, WindowBorders borders) {
    if (extent.fault != ExtentFault::none) {
        refuse(image, extent, cursor.explain(extent), "insitu-fsck -y repairs it first");
    }
    if (borders == WindowBorders::crossed) return;
    const bool inside =
        window_of(extent.first) == window && window_of({extent.end().value - 1}) == window;
    if (inside) return;
    refuse(image, extent,
           fmt::format("an extent of {} blocks crosses the border of its window", extent.blocks),
           "insitu-fsck -y stores it again as proper extents");
}

void require_sound(const Image& image, WindowBorders borders) {
    MetaCursor cursor(image);
    const WindowIndex end{image.geometry().window_count()};
    for (WindowIndex window = cursor.next_mapped({0}); window < end;
         window = cursor.next_mapped(window + 1)) {
        for (const StoredExtent& extent : cursor.extents_touching(window)) {
            if (extent.fault == ExtentFault::none && extent.unmapped()) continue;
            require_sound(image, cursor, extent, window, borders);
        }
    }
}

}  // namespace insitu
