// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/map_sum.hpp"

#include <algorithm>
#include <array>

#include "insitu/internal/image/meta_cursor.hpp"

namespace insitu::apps {

void MapSum::add(WindowIndex window, const WindowMap& map) {
    constexpr std::size_t index_bytes = sizeof window.value;
    std::array<std::byte, index_bytes + window_meta_bytes> row{};
    const ByteSpan meta = ByteSpan(row).subspan(index_bytes);
    map.encode(meta.first<window_meta_bytes>());
    const bool mapped =
        std::any_of(meta.begin(), meta.end(), [](std::byte byte) { return byte != std::byte{0}; });
    if (!mapped) return;
    for (std::size_t i = 0; i < index_bytes; ++i)
        row[i] = static_cast<std::byte>(window.value >> (8 * i));
    sum_.add(row);
}

std::string map_sum_of(const Image& image) {
    MapSum sum;
    MetaCursor cursor(image);
    const WindowIndex end{image.geometry().window_count()};
    for (WindowIndex window = cursor.next_mapped({0}); window < end;
         window = cursor.next_mapped(window + 1)) {
        sum.add(window, cursor.map(window));
    }
    return sum.hex_digits();
}

}  // namespace insitu::apps
