#include "common/manifest_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/sizes.hpp"
#include "insitu/error.hpp"

namespace insitu::apps {

ManifestCheck::ManifestCheck(const ManifestFile& manifest, const Image& image, const StopFlag* stop)
    : manifest_(manifest),
      image_name_(image.store().name()),
      stop_(stop),
      hash_(XXH3_createState()) {
    if (!hash_) throw std::bad_alloc();
    if (manifest.logical_bytes() == image.geometry().logical_bytes()) return;
    throw Error(ErrorKind::refused, {.file = image_name_},
                fmt::format("has {} logical bytes, {} is for {}", image.geometry().logical_bytes(),
                            manifest.path(), manifest.logical_bytes()),
                "is it the manifest of another image?");
}

void ManifestCheck::differ(std::uint64_t first_block, std::uint64_t blocks) {
    ++differences_;
    if (!first_difference_) first_difference_ = ManifestExtent{{first_block}, blocks, {}};
}

// A piece that lies wholly inside the next extent, or wholly before it.
void ManifestCheck::pass_one(ByteView bytes) {
    const auto extents = manifest_.extents();
    const std::uint64_t end_byte = at_byte_ + bytes.size();
    if (next_extent_ == extents.size() ||
        end_byte <= extents[next_extent_].first.value * block_bytes) {
        if (!manifest_.complete()) return;
        const auto found = std::find_if(bytes.begin(), bytes.end(),
                                        [](std::byte byte) { return byte != std::byte{0}; });
        if (found == bytes.end()) return;
        differ((at_byte_ + static_cast<std::uint64_t>(found - bytes.begin())) / block_bytes, 1);
        return;
    }
    const ManifestExtent& extent = extents[next_extent_];
    if (at_byte_ == extent.first.value * block_bytes) XXH3_128bits_reset(hash_.get());
    XXH3_128bits_update(hash_.get(), bytes.data(), bytes.size());
    if (end_byte < (extent.first.value + extent.blocks) * block_bytes) return;
    const XXH128_hash_t hash = XXH3_128bits_digest(hash_.get());
    if (ContentHash{hash.high64, hash.low64} != extent.hash) {
        differ(extent.first.value, extent.blocks);
    }
    ++next_extent_;
}

void ManifestCheck::pass_extents(ByteView bytes) {
    const auto extents = manifest_.extents();
    while (!bytes.empty()) {
        std::uint64_t border = at_byte_ + bytes.size();
        if (next_extent_ < extents.size()) {
            const ManifestExtent& extent = extents[next_extent_];
            const std::uint64_t start = extent.first.value * block_bytes;
            const std::uint64_t end = start + extent.blocks * block_bytes;
            border = std::min(border, at_byte_ < start ? start : end);
        }
        const ByteView piece = bytes.first(border - at_byte_);
        pass_one(piece);
        at_byte_ = border;
        bytes = bytes.subspan(piece.size());
    }
}

void ManifestCheck::pass(ByteView bytes) {
    const std::uint64_t raw_bytes = manifest_.raw_bytes().value_or(0);
    if (at_byte_ < raw_bytes) {
        sha256_.add(bytes.first(std::min<std::uint64_t>(bytes.size(), raw_bytes - at_byte_)));
    }
    pass_extents(bytes);
}

void ManifestCheck::pass_zeros_until(std::uint64_t end_byte) {
    static const std::vector<std::byte> zeros(window_bytes);
    while (at_byte_ < end_byte) {
        if (stop_ != nullptr && stop_->requested()) {
            throw Error(ErrorKind::cancelled, {}, "stopped before the end");
        }
        pass(ByteView(zeros).first(std::min<std::uint64_t>(zeros.size(), end_byte - at_byte_)));
    }
}

void ManifestCheck::window(const ContentWindow& window) {
    pass_zeros_until(window.window.value * window_bytes);
    pass(window.content);
}

void ManifestCheck::finish() {
    pass_zeros_until(manifest_.logical_bytes());
    if (first_difference_) {
        const BlockIndex first{first_difference_->first.value};
        throw Error(ErrorKind::damaged,
                    {.file = image_name_, .window = window_of(first), .block = first},
                    fmt::format("not what {} says: {} from here on; {} in all", manifest_.path(),
                                counted(first_difference_->blocks, "block"),
                                counted(differences_, "place")),
                    "insitu-fsck --manifest tells more, and repairs what it can");
    }
    if (!manifest_.raw_bytes()) return;
    const std::string found = sha256_.hex_digits();
    if (found == manifest_.raw_sha256()) return;
    throw Error(ErrorKind::damaged, {.file = image_name_},
                fmt::format("SHA-256 of the content is {}, {} says {}", found, manifest_.path(),
                            manifest_.raw_sha256()));
}

}  // namespace insitu::apps
