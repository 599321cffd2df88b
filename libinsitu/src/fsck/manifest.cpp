// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/fsck/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "format/xxhash_dispatch.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/meta_cursor.hpp"

namespace insitu {

ContentHash content_hash(ByteView content) noexcept {
    const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
    return {hash.high64, hash.low64};
}

std::string to_string(ContentHash hash) {
    return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

Manifest::Manifest(std::span<const ManifestExtent> extents, std::uint64_t logical_bytes,
                   Others others, std::string name)
    : extents_(extents), logical_bytes_(logical_bytes), others_(others), name_(std::move(name)) {
    BlockIndex end{0};
    for (const ManifestExtent& extent : extents_) {
        const auto refuse = [&](const std::string& why) {
            throw Error(ErrorKind::refused, {.file = name_},
                        fmt::format("extent at block {}: {}", extent.first.value, why));
        };
        if (extent.blocks == 0 || extent.blocks > longest_read_blocks) {
            refuse(fmt::format("{} blocks, expected 1 to {}", extent.blocks, longest_read_blocks));
        }
        if (extent.first < end) refuse("overlaps the extent before it");
        end = extent.end();
    }
    if (end.value * block_bytes > logical_bytes) {
        throw Error(ErrorKind::refused, {.file = name_}, "continues after the end of its content");
    }
}

std::span<const ManifestExtent> Manifest::starting_in(WindowIndex window) const noexcept {
    const auto before = [](const ManifestExtent& extent, BlockIndex block) {
        return extent.first < block;
    };
    const auto from =
        std::lower_bound(extents_.begin(), extents_.end(), first_block_of(window), before);
    const auto to = std::lower_bound(from, extents_.end(), first_block_of(window + 1), before);
    return {from, to};
}

std::uint32_t Manifest::zero_blocks(WindowIndex window) const noexcept {
    if (others_ == Others::unknown) return 0;
    const BlockIndex first = first_block_of(window);
    const auto ends_before = [](const ManifestExtent& extent, BlockIndex block) {
        return extent.end().value <= block.value;
    };
    std::uint32_t named = 0;
    for (auto extent = std::lower_bound(extents_.begin(), extents_.end(), first, ends_before);
         extent != extents_.end() && extent->first < first + window_blocks; ++extent) {
        const std::uint64_t from = std::max(extent->first, first).value - first.value;
        const std::uint64_t to = std::min(extent->end(), first + window_blocks).value - first.value;
        named |= static_cast<std::uint32_t>(((std::uint64_t{1} << (to - from)) - 1) << from);
    }
    return ~named;
}

}  // namespace insitu
