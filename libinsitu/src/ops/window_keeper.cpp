// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/window_keeper.hpp"

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

bool WindowKeeper::is_plain(WindowIndex window) {
    if (!reader_.meta().map(window).sound()) return false;
    const auto extents = reader_.meta().extents_touching(window);
    return std::all_of(extents.begin(), extents.end(), [&](const StoredExtent& extent) {
        return extent.fault == ExtentFault::none && window_of(extent.first) == window &&
               window_of({extent.end().value - 1}) == window;
    });
}

std::optional<WindowMap> WindowKeeper::find(WindowIndex window, ByteView content) {
    try {
        if (!is_plain(window)) return std::nullopt;
        const ByteSpan there =
            content_.first(image_.geometry().blocks_in_window(window) * block_bytes);
        reader_.read(window, there, nullptr);
        if (std::memcmp(there.data(), content.data(), content.size()) != 0) return std::nullopt;
        if (!is_zero(there.subspan(content.size()))) return std::nullopt;
        return reader_.meta().map(window);
    } catch (const Error&) {
        // What cannot be read is written again.
        return std::nullopt;
    }
}

}  // namespace insitu
