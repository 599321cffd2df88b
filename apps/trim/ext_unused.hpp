// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "insitu/trim.hpp"

namespace insitu::apps {

// What an ext2, ext3 or ext4 file system inside an image says of its blocks.
struct ExtUsage {
    std::vector<ByteRange> unused;  // of the logical device, rising, apart from each other
    std::uint64_t at_byte = 0;      // where it is
    std::uint64_t size_bytes = 0;
};

// Reads the block bitmaps of the file system that starts at `at_byte`, through libext2fs. Throws a
// `refused` Error if there is none, if it is mounted, was not unmounted cleanly, needs its journal
// replayed or has errors noted, if it is larger than the image, and if its bitmaps contradict their
// checksums, the free counts beside them or the places of its own tables: e2fsck is to be run
// first. One at a time: libext2fs has no other way to be told where it reads.
ExtUsage read_ext_usage(const OpenedImage& image, const std::string& name, std::uint64_t at_byte);

}  // namespace insitu::apps
