// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/window_keeper.hpp"

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"
#include "insitu/internal/format/seal.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

std::uint32_t blocks_of(const Extent& extent) noexcept {
    const auto mask = static_cast<std::uint32_t>((std::uint64_t{1} << extent.blocks) - 1);
    return mask << extent.first;
}

}  // namespace

bool WindowKeeper::is_plain(WindowIndex window) {
    if (!reader_.meta().map(window).sound()) return false;
    const auto extents = reader_.meta().extents_touching(window);
    return std::all_of(extents.begin(), extents.end(), [&](const StoredExtent& extent) {
        return extent.fault == ExtentFault::none && window_of(extent.first) == window &&
               window_of({extent.end().value - 1}) == window;
    });
}

// Only the last sector is read: a stream of another length than the sealed one takes the seal away.
bool WindowKeeper::shows_seal(const StoredExtent& extent) {
    if (extent.raw()) return false;
    const ByteSpan sector = end_.span().first(sector_bytes);
    image_.store().read_at(
        image_.geometry().block_at_byte(extent.first) + (extent.payload_sectors - 1) * sector_bytes,
        sector);
    return is_sealed(sector, extent.first, extent.payload_sectors);
}

bool WindowKeeper::decodes_to(const StoredExtent& extent, ByteView content) {
    const ByteSpan there = content_.span().first(content.size());
    return !reader_.read_extent(extent, there) &&
           std::memcmp(there.data(), content.data(), content.size()) == 0;
}

WindowKeeper::Kept WindowKeeper::find_known(WindowIndex window, const WindowMap& map,
                                            ByteView content, std::uint32_t known) {
    Kept kept{WindowMap(map.blocks()), 0, true};
    const BlockIndex first = first_block_of(window);
    for (const Extent extent : map.extents()) {
        const std::size_t start = extent.first * block_bytes;
        const std::size_t length = extent.blocks * block_bytes;
        const std::uint32_t blocks = blocks_of(extent);
        if (extent.unmapped() || (known & blocks) != blocks) continue;
        if (start + length > content.size()) continue;
        const StoredExtent stored{first + extent.first, extent.blocks, extent.payload_sectors};
        if (!shows_seal(stored) && !decodes_to(stored, content.subspan(start, length))) continue;
        kept.map.set_extent(extent);
        kept.blocks |= blocks;
    }
    return kept;
}

WindowKeeper::Kept WindowKeeper::find(WindowIndex window, ByteView content) {
    const Kept nothing{WindowMap()};
    try {
        if (!is_plain(window)) return nothing;
        Kept kept{reader_.meta().map(window)};
        if (known_ != nullptr) {
            if (const auto known = (*known_)(window, kept.map, content)) {
                return find_known(window, kept.map, content, *known);
            }
        }
        const ByteSpan there =
            content_.first(image_.geometry().blocks_in_window(window) * block_bytes);
        kept.blocks = reader_.read(window, there, nullptr);
        if (std::memcmp(there.data(), content.data(), content.size()) != 0) return nothing;
        if (!is_zero(there.subspan(content.size()))) return nothing;
        return kept;
    } catch (const Error&) {
        // What cannot be read is written again.
        return nothing;
    }
}

ByteView WindowKeeper::rest(const Kept& kept, ByteView content) {
    if (kept.blocks == 0) return content;
    if ((nonzero_blocks(content) & ~kept.blocks) == 0) return {};
    const ByteSpan rest = content_.span().first(content.size());
    std::memcpy(rest.data(), content.data(), content.size());
    for (std::size_t block = 0; block < content.size() / block_bytes; ++block) {
        if (((kept.blocks >> block) & 1U) == 0) continue;
        std::memset(rest.data() + block * block_bytes, 0, block_bytes);
    }
    return rest;
}

}  // namespace insitu
