// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/spooled_text.hpp"
#include "common/tool.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/ops/dump.hpp"

namespace insitu::apps {

// Prints extents as lines, or as the elements of a JSON array, as they come: memory does not depend
// on the image. To be called in order: the events of dump(), end(). Prints nothing before the first
// of them, so that a dump that is refused leaves no half document.
class DumpPrinter final : public DumpSink {
  public:
    // As a manifest, JSON says which image and which map it is of (insitu-manifest(5)).
    enum class Names { nothing, image_and_map };
    // `range`: the blocks that were asked for, if not all; it is no manifest then.
    DumpPrinter(const Tool& tool, const Image& image, Names names, std::string range)
        : tool_(tool),
          image_(image),
          names_(names),
          range_(std::move(range)),
          json_(tool.common().json) {}

    void extent(const DumpedExtent& dumped) override;
    void unsound_window(WindowIndex window,
                        std::span<const std::byte, window_meta_bytes> meta) override;
    // Ends the document, and complains of extents whose content could not be hashed.
    void end();
    std::uint64_t damaged_extents() const noexcept { return damaged_extents_; }

  private:
    void begin();
    void print_names();
    void add(std::string_view text) { pending_ += text; }
    void add(std::uint64_t number);
    void flush();
    void print_line(const DumpedExtent& dumped);
    void print_element(const DumpedExtent& dumped);

    const Tool& tool_;
    const Image& image_;
    Names names_;
    std::string range_;
    bool json_;
    bool begun_ = false;
    bool first_ = true;
    std::string pending_;  // printed in larger pieces
    std::uint64_t extents_ = 0;
    std::uint64_t blocks_ = 0;
    std::uint64_t unsound_windows_ = 0;
    std::uint64_t damaged_extents_ = 0;
    std::uint64_t damaged_blocks_ = 0;
    SpooledText unsound_;  // elements of a JSON array
};

}  // namespace insitu::apps
