// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/image_builder.hpp"

#include <algorithm>
#include <array>

#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/unpack.hpp"

namespace insitu::test {

std::unique_ptr<MemoryStore> pack_in_memory(ByteView content, PackOptions options,
                                            unsigned threads) {
    MemoryStore source(content.size(), std::byte{0}, "source");
    source.write_at(0, content);
    auto target = std::make_unique<MemoryStore>(pack_target_bytes(content.size()));
    options.target_content = TargetContent::unknown;
    pack(*make_source(source), *target, options, {.threads = threads});
    return target;
}

std::vector<std::byte> unpack_in_memory(const Store& store, unsigned threads, SizeCheck check) {
    const Image image = Image::open(store, check);
    MemoryStore target(image.geometry().logical_bytes());
    UnpackOptions options;
    options.target_content = TargetContent::unknown;
    unpack(image, target, options, {.threads = threads});
    return {target.bytes().begin(), target.bytes().end()};
}

void put_map(Store& store, WindowIndex window, const WindowMap& map) {
    const Geometry geometry(read_super_block(store).counts);
    std::array<std::byte, window_meta_bytes> meta{};
    map.encode(meta);
    const std::size_t length = meta_bytes_for(geometry.blocks_in_window(window));
    store.write_at(geometry.window_meta_at_byte(window), ByteView(meta).first(length));
}

WindowMap get_map(const Store& store, WindowIndex window) {
    const Image image(store, read_super_block(store));
    return MetaCursor(image).map(window);
}

}  // namespace insitu::test
