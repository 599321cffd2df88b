// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "insitu/pack.hpp"

namespace insitu::test {

// Packs content in memory, on a target filled with 0xcc.
std::unique_ptr<MemoryStore> pack_in_memory(ByteView content, PackOptions options,
                                            unsigned threads = 1);

// Unpacks in memory; throws what unpack() throws.
std::vector<std::byte> unpack_in_memory(const Store& store, unsigned threads = 1,
                                        SizeCheck check = SizeCheck::strict);

// Overwrites the meta of one window.
void put_map(Store& store, WindowIndex window, const WindowMap& map);
WindowMap get_map(const Store& store, WindowIndex window);

}  // namespace insitu::test
