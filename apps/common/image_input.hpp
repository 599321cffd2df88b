#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/tool.hpp"
#include "insitu/image/image.hpp"
#include "insitu/store/overlay_store.hpp"

namespace insitu::apps {

struct ImageInputOptions {
    std::string path;
    bool ignore_size = false;
};

// IMAGE, --ignore-size and --force-share
void add_image_options(Tool& tool, ImageInputOptions& options);

// An image that is open for reading, with its store.
class ImageInput {
  public:
    // Notes a size that the driver would refuse, where --ignore-size reads it all the same, and
    // writes of an interrupted live device, which are applied in memory.
    ImageInput(const Tool& tool, const ImageInputOptions& options);
    const Image& image() const noexcept { return *image_; }
    const Store& store() const noexcept { return *store_; }

  private:
    std::unique_ptr<Store> store_;
    std::unique_ptr<OverlayStore> recovered_;
    std::optional<Image> image_;
};

}  // namespace insitu::apps
