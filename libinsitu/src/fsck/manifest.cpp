#include "insitu/fsck/manifest.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "insitu/error.hpp"
#include "insitu/image/meta_cursor.hpp"

namespace insitu {

namespace {

constexpr std::size_t hash_digits = 32;

bool is_hash(const std::string& text) {
    return text.size() == hash_digits &&
           text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string content_hash(ByteView content) {
    const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Manifest::Manifest(std::vector<ManifestExtent> extents, const std::string& name)
    : extents_(std::move(extents)) {
    std::sort(extents_.begin(), extents_.end(),
              [](const ManifestExtent& a, const ManifestExtent& b) { return a.first < b.first; });
    BlockIndex end{0};
    for (const ManifestExtent& extent : extents_) {
        const auto refuse = [&](const std::string& why) {
            throw Error(ErrorKind::refused, {.file = name},
                        fmt::format("extent at block {}: {}", extent.first.value, why));
        };
        if (extent.blocks == 0 || extent.blocks > longest_read_blocks) {
            refuse(fmt::format("{} blocks, expected 1 to {}", extent.blocks, longest_read_blocks));
        }
        if (extent.first.value > (std::uint64_t{1} << 50)) refuse("lies beyond any device");
        if (extent.first < end) refuse("overlaps the extent before it");
        if (!is_hash(extent.hash)) refuse("xxh3_128 is not 32 hex digits");
        end = extent.end();
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

}  // namespace insitu
