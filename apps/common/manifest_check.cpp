// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/manifest_check.hpp"

#include <fmt/format.h>

#include <algorithm>

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
      raw_bytes_(manifest.raw_bytes().value_or(0)),
      compare_(manifest.extents(), manifest.logical_bytes(), Manifest::Others::zeros, stop,
               [this](const ContentCompare::Difference& difference) { differ(difference); }) {
    if (manifest.raw_bytes() && !manifest.raw_sha256().empty()) sha256_.emplace();
    require_size_of(manifest, image);
    if (manifest.complete()) return;
    throw Error(ErrorKind::refused, {.file = manifest.path()},
                "has no hash of some extents, so it cannot prove the whole content",
                "it was made of a damaged image: insitu-fsck --manifest compares what it has");
}

void ManifestCheck::differ(const ContentCompare::Difference& difference) {
    ++differences_;
    if (!first_difference_) first_difference_ = difference;
}

void ManifestCheck::add_raw_zeros(std::uint64_t until_byte) {
    const std::uint64_t end = std::min(until_byte, raw_bytes_);
    if (!sha256_ || end <= hashed_bytes_) return;
    sha256_->add_zeros(end - hashed_bytes_, stop_);
    hashed_bytes_ = end;
}

void ManifestCheck::window(const ContentWindow& window) {
    compare_.window(window);
    const std::uint64_t start = window.window.value * window_bytes;
    if (start >= raw_bytes_) return;
    const ByteView raw =
        window.content.first(std::min<std::uint64_t>(window.content.size(), raw_bytes_ - start));
    if (sha256_) {
        add_raw_zeros(start);
        sha256_->add(raw);
        hashed_bytes_ = start + raw.size();
    }
    if (!manifest_.tree_sha256().empty()) tree_.add(window.window, raw);
}

void ManifestCheck::compare_sum(const char* name, const std::string& found,
                                const std::string& wanted) const {
    if (found == wanted) return;
    throw Error(
        ErrorKind::damaged, {.file = image_name_},
        fmt::format("{} of the content is {}, {} says {}", name, found, manifest_.path(), wanted));
}

void ManifestCheck::finish() {
    compare_.finish();
    add_raw_zeros(raw_bytes_);
    if (first_difference_) {
        const BlockIndex first = first_difference_->first;
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
