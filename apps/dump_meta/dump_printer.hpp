#pragma once

#include <string>

#include "common/tool.hpp"
#include "insitu/image/image.hpp"
#include "insitu/ops/dump.hpp"

namespace insitu::apps {

// Prints extents as lines, or as the elements of a JSON array, as they come: memory does not depend
// on the image. To be called in order: begin(), the events of dump(), end().
class DumpPrinter final : public DumpSink {
  public:
    explicit DumpPrinter(const Tool& tool) : tool_(tool), json_(tool.common().json) {}

    void begin(const Image& image);
    void extent(const DumpedExtent& dumped) override;
    void unsound_window(WindowIndex window,
                        std::span<const std::byte, window_meta_bytes> meta) override;
    void end();

  private:
    void print_line(const DumpedExtent& dumped);
    void print_element(const DumpedExtent& dumped);

    const Tool& tool_;
    bool json_;
    bool first_ = true;
    std::string unsound_;  // elements of a JSON array
};

}  // namespace insitu::apps
