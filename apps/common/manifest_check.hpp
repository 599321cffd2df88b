// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/content_tree.hpp"
#include "common/manifest.hpp"
#include "common/sha256.hpp"
#include "insitu/internal/face/content_hashes.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/ops/content_sink.hpp"

namespace insitu::apps {

// Throws a `refused` Error if a manifest is for an image of another size.
void require_size_of(const ManifestFile& manifest, const Image& image);

// Compares content with a manifest as it passes by. Needs no order of extents in the image: a
// rewritten image with the same content is equal.
class ManifestCheck final : public ContentSink {
  public:
    // The manifest outlives it. Throws a `refused` Error where the image has another size.
    ManifestCheck(const ManifestFile& manifest, const Image& image, const StopFlag* stop);

    void window(const ContentWindow& window) override;

    // To be called once, behind the last window. Throws a `damaged` Error that names the first
    // difference.
    void finish();

  private:
    void compare_sum(const char* name, const std::string& found, const std::string& wanted) const;
    void differ(const ContentCompare::Difference& difference);
    void add_raw_zeros(std::uint64_t until_byte);

    const ManifestFile& manifest_;
    std::string image_name_;
    const StopFlag* stop_;
    std::uint64_t raw_bytes_;
    std::optional<Sha256> sha256_;  // if the manifest has a raw sum
    std::uint64_t hashed_bytes_ = 0;
    ContentTree tree_;
    ContentCompare compare_;
    std::uint64_t differences_ = 0;
    std::optional<ContentCompare::Difference> first_difference_;
};

}  // namespace insitu::apps
