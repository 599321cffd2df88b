// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/window_meta.hpp"

#include <cstring>

#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

void write_window_meta(Store& store, const Geometry& geometry, WindowIndex window,
                       std::span<const std::byte, window_meta_bytes> meta) {
    const std::uint64_t at = geometry.window_meta_at_byte(window);
    const std::uint64_t first = at / sector_bytes * sector_bytes;
    // Meta of a last, shorter window ends before the 20 bytes do.
    const std::size_t length = meta_bytes_for(geometry.blocks_in_window(window));
    const std::uint64_t end = ceil_div(at + length, sector_bytes) * sector_bytes;
    AlignedBuffer sectors(end - first);
    store.read_at(first, sectors.span());
    std::memcpy(sectors.data() + (at - first), meta.data(), length);
    store.write_at(first, sectors.view());
}

}  // namespace insitu
