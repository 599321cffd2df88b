// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <xxhash.h>

#include <cstddef>
#include <memory>
#include <optional>

#include "common/content_tree.hpp"
#include "common/manifest.hpp"
#include "common/sha256.hpp"
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
    void pass(ByteView bytes);
    void compare_sum(const char* name, const std::string& found, const std::string& wanted) const;
    void pass_zeros_until(std::uint64_t end_byte);
    void pass_extents(ByteView bytes);
    void pass_one(ByteView bytes);
    void differ(std::uint64_t first_block, std::uint64_t blocks);

    struct FreeState {
        void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
    };

    const ManifestFile& manifest_;
    std::string image_name_;
    const StopFlag* stop_;
    std::optional<Sha256> sha256_;  // if the manifest has a raw sum
    ContentTree tree_;
    std::unique_ptr<XXH3_state_t, FreeState> hash_;
    std::uint64_t at_byte_ = 0;
    std::size_t next_extent_ = 0;
    std::uint64_t differences_ = 0;
    std::optional<ManifestExtent> first_difference_;
};

}  // namespace insitu::apps
