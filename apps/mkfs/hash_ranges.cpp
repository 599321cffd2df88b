// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/hash_ranges.hpp"

#include <algorithm>

#include "common/sha256.hpp"

namespace insitu::apps {

std::string hash_ranges(const ImageBytes& image, std::vector<PlacedRange> ranges,
                        std::uint64_t size_bytes) {
    std::sort(ranges.begin(), ranges.end(),
              [](const PlacedRange& a, const PlacedRange& b) { return a.at_byte < b.at_byte; });
    constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20;
    Sha256 sha256;
    std::uint64_t done = 0;
    for (const PlacedRange& range : ranges) {
        if (range.at_byte < done) bad_image("a file has two blocks in one place");
        const std::uint64_t first = std::min(range.at_byte, size_bytes);
        sha256.add_zeros(first - done, nullptr);
        const std::uint64_t end = std::min(range.at_byte + range.length_bytes, size_bytes);
        done = first;
        while (done < end) {
            const std::uint64_t now = std::min(piece_bytes, end - done);
            const std::string bytes = image.read(range.image_byte + (done - range.at_byte), now);
            sha256.add(std::as_bytes(std::span(bytes.data(), bytes.size())));
            done += now;
        }
    }
    sha256.add_zeros(size_bytes - done, nullptr);
    return sha256.hex_digits();
}

}  // namespace insitu::apps
