// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/manifest_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/sizes.hpp"
#include "insitu/error.hpp"

namespace insitu::apps {

void require_size_of(const ManifestFile& manifest, const Image& image) {
    const Geometry& geometry = image.geometry();
    const auto refuse = [&](const char* what, std::uint64_t has, std::uint64_t wanted) {
        throw Error(ErrorKind::refused, {.file = image.store().name()},
                    fmt::format("has {} {}, {} is for {}", has, what, manifest.path(), wanted),
                    "is it the manifest of another image?");
    };
    if (manifest.logical_bytes() != geometry.logical_bytes()) {
        refuse("logical bytes", geometry.logical_bytes(), manifest.logical_bytes());
    }
    const auto device_bytes = manifest.device_bytes();
    if (device_bytes && *device_bytes / block_bytes != geometry.device_blocks()) {
        refuse("bytes", geometry.device_bytes(), *device_bytes);
    }
}

ManifestCheck::ManifestCheck(const ManifestFile& manifest, const Image& image, const StopFlag* stop)
    : manifest_(manifest),
      image_name_(image.store().name()),
      stop_(stop),
      hash_(XXH3_createState()) {
    if (!hash_) throw std::bad_alloc();
    if (manifest.raw_bytes() && !manifest.raw_sha256().empty()) sha256_.emplace();
    require_size_of(manifest, image);
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
    if (sha256_ && at_byte_ < raw_bytes) {
        sha256_->add(bytes.first(std::min<std::uint64_t>(bytes.size(), raw_bytes - at_byte_)));
    }
    pass_extents(bytes);
}

// Zeros are worth the time only where an extent is said to be there, or each is to be hashed.
void ManifestCheck::pass_zeros_until(std::uint64_t end_byte) {
    static const std::vector<std::byte> zeros(window_bytes);
    const auto extents = manifest_.extents();
    while (at_byte_ < end_byte) {
        if (stop_ != nullptr && stop_->requested()) {
            throw Error(ErrorKind::cancelled, {}, "stopped before the end");
        }
        const bool more = next_extent_ < extents.size();
        const std::uint64_t next =
            more ? extents[next_extent_].first.value * block_bytes : end_byte;
        const bool raw = sha256_ && at_byte_ < manifest_.raw_bytes().value_or(0);
        if (!raw && next > at_byte_) {
            at_byte_ = std::min(next, end_byte);
            continue;
        }
        pass(ByteView(zeros).first(std::min<std::uint64_t>(zeros.size(), end_byte - at_byte_)));
    }
}

void ManifestCheck::window(const ContentWindow& window) {
    const std::uint64_t start = window.window.value * window_bytes;
    pass_zeros_until(start);
    pass(window.content);
    const std::uint64_t raw_bytes = manifest_.raw_bytes().value_or(0);
    if (manifest_.tree_sha256().empty() || start >= raw_bytes) return;
    tree_.add(window.window, window.content.first(std::min<std::uint64_t>(window.content.size(),
                                                                          raw_bytes - start)));
}

void ManifestCheck::compare_sum(const char* name, const std::string& found,
                                const std::string& wanted) const {
    if (found == wanted) return;
    throw Error(
        ErrorKind::damaged, {.file = image_name_},
        fmt::format("{} of the content is {}, {} says {}", name, found, manifest_.path(), wanted));
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
                    "insitu-fsck --manifest reports more, and repairs what it can");
    }
    if (sha256_) compare_sum("SHA-256", sha256_->hex_digits(), manifest_.raw_sha256());
    if (manifest_.tree_sha256().empty()) return;
    compare_sum("tree SHA-256", tree_.hex_digits(*manifest_.raw_bytes()), manifest_.tree_sha256());
}

}  // namespace insitu::apps
