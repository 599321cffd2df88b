// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mkfs/image_bytes.hpp"

namespace insitu::apps {

// Data of a file, and where it is in the image.
struct PlacedRange {
    std::uint64_t at_byte = 0;
    std::uint64_t length_bytes = 0;
    std::uint64_t image_byte = 0;
};

// SHA-256 of a file of `size_bytes` that has these ranges, in any order, and zeros elsewhere.
// Throws `io` and `damaged` Errors.
std::string hash_ranges(const ImageBytes& image, std::vector<PlacedRange> ranges,
                        std::uint64_t size_bytes);

}  // namespace insitu::apps
