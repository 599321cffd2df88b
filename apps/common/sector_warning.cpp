// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/sector_warning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/image/window_reader.hpp"

namespace insitu::apps {

void warn_of_small_sectors(const Tool& tool, const std::string& name, std::uint64_t size_bytes,
                           const ContentReader& read) {
    const auto found = find_small_sectors(size_bytes, read);
    if (!found) return;
    tool.complain(
        fmt::format("warning: {}: holds {} with units of {} bytes, and the driver's device has "
                    "sectors of 4096 bytes: it cannot be used there",
                    name, found->content, found->unit_bytes));
    tool.complain(
        fmt::format("hint: {}; or serve the image with nbdkit, which takes requests of 512 bytes",
                    found->remedy));
}

void warn_of_small_sectors(const Tool& tool, const Image& image) {
    const Geometry& geometry = image.geometry();
    std::vector<std::byte> window(geometry.blocks_in_window({0}) * block_bytes);
    try {
        WindowReader(image).read({0}, window, nullptr);
    } catch (const Error&) {
        return;
    }
    // What is looked at is in the first window.
    warn_of_small_sectors(tool, image.store().name(), geometry.logical_bytes(),
                          [&](std::uint64_t at_byte, ByteSpan output) {
                              std::copy_n(window.begin() + static_cast<std::ptrdiff_t>(at_byte),
                                          output.size(), output.begin());
                          });
}

}  // namespace insitu::apps
