// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "insitu/internal/device/device.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "support/random_content.hpp"

namespace insitu::test {

// An empty image in memory with this many data blocks, or the nearest count that the driver can
// use. Holes are 0xcc.
std::unique_ptr<MemoryStore> format_in_memory(std::uint64_t data_blocks, Algorithm algorithm);

// Some windows of text in extents of so many blocks, and room for a journal behind them: 1024 data
// blocks of LZO in all.
std::unique_ptr<MemoryStore> text_image(unsigned extent_blocks, unsigned text_windows = 2);

// Text to write: another than in text_image().
std::vector<std::byte> text(std::uint64_t blocks);

// What is wrong with an image without an intent, as text: all that fsck finds, notes too, or the
// first unsound window or extent that a writer would not have left; empty where all is well.
std::string find_fault(const Store& store);

// The logical content; applies an intent in memory first.
std::vector<std::byte> content_of(const Store& store);

// One of the requests that a client may make, inside [first, end) blocks of `expected`, done on the
// device and on the array. `longest` blocks at most.
struct RequestLimits {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    std::uint64_t longest = 40;
};
void random_request(Device& device, ByteSpan expected, RequestLimits limits, Random& random);

}  // namespace insitu::test
