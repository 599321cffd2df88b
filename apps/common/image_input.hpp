// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/tool.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/store/overlay_store.hpp"

namespace insitu::apps {

struct ImageInputOptions {
    std::string path;
    bool ignore_size = false;
};

// IMAGE, --ignore-size and --force-share
void add_image_options(Tool& tool, ImageInputOptions& options);

// The image as the next opening of a live device makes it, where an interrupted one left an intent
// (docs/crash-safety.md), which is noted; null where there is none. Throws `io` and `damaged`
// Errors.
struct RecoveredImage {
    std::unique_ptr<OverlayStore> store;
    std::uint64_t windows = 0;
};
RecoveredImage recovered_in_memory(const Tool& tool, const Store& store);
// What the kernel target makes of such an image, and how to end it.
inline constexpr const char* pending_text =
    "an interrupted live device left a commit that is not applied: the driver does not know of it, "
    "and shows what was there before, or a part of it";
inline constexpr const char* pending_hint =
    "insitu-fsck -p applies it, and so does nbdkit -U - insitu IMAGE --run true";

// Throws a `refused` Error for what is no image but something else, by name: no evidence, no image.
void refuse_foreign_content(const std::string& path, const Store& store);

// An image that is open for reading, with its store.
class ImageInput {
  public:
    // Notes a size that the driver would refuse, where --ignore-size reads it all the same, and
    // writes of an interrupted live device, which are applied in memory.
    ImageInput(const Tool& tool, const ImageInputOptions& options);
    const Image& image() const noexcept { return *image_; }
    const Store& store() const noexcept { return *store_; }
    // Of the commit that an interrupted live device left; none: there is none.
    std::optional<std::uint64_t> pending_windows() const noexcept { return pending_windows_; }

  private:
    std::unique_ptr<Store> store_;
    std::optional<std::uint64_t> pending_windows_;
    std::unique_ptr<OverlayStore> recovered_;
    std::optional<Image> image_;
};

}  // namespace insitu::apps
