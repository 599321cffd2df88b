#include "common/manifest_writer.hpp"

#include <fmt/format.h>

#include "common/manifest.hpp"

namespace insitu::apps {

ManifestWriter::ManifestWriter(const std::string& path, const StopFlag* stop)
    : file_(path, 0), stop_(stop) {
    put("{\n\"schema\": \"insitu-manifest/1\",\n\"extents\": [");
}

void ManifestWriter::window(const ContentWindow& window) {
    const std::uint64_t start = window.window.value * window_bytes;
    sha256_.add_zeros(start - hashed_bytes_, stop_);
    sha256_.add(window.content.first(window.source_bytes));
    hashed_bytes_ = start + window.source_bytes;
    for (const Extent extent : window.map->extents()) {
        if (extent.unmapped()) continue;
        const ManifestExtent row = hash_extent(
            first_block_of(window.window) + extent.first,
            window.content.subspan(extent.first * block_bytes, extent.blocks * block_bytes));
        put(fmt::format("{}{{\"first_block\": {}, \"blocks\": {}, \"xxh3_128\": \"{}\"}}",
                        first_ ? "\n" : ",\n", row.first.value, row.blocks, hash_text(row)));
        first_ = false;
    }
}

void ManifestWriter::put(const std::string& text) {
    constexpr std::size_t flush_bytes = std::size_t{1} << 20;
    pending_ += text;
    if (pending_.size() >= flush_bytes) flush();
}

void ManifestWriter::flush() {
    file_.store().write_at(written_bytes_, std::as_bytes(std::span(pending_)));
    written_bytes_ += pending_.size();
    pending_.clear();
}

void ManifestWriter::commit(const Geometry& geometry, Algorithm algorithm,
                            std::uint64_t raw_bytes) {
    sha256_.add_zeros(raw_bytes - hashed_bytes_, stop_);
    put(
        fmt::format("\n],\n\"algorithm\": \"{}\",\n\"device_bytes\": {},\n\"logical_bytes\": {},\n"
                    "\"raw_bytes\": {},\n\"raw_sha256\": \"{}\"\n}}\n",
                    to_string(algorithm), geometry.device_bytes(), geometry.logical_bytes(),
                    raw_bytes, sha256_.hex_digits()));
    flush();
    file_.commit();
}

}  // namespace insitu::apps
