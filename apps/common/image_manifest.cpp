// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/image_manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/manifest_check.hpp"
#include "common/map_sum.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/window_reader.hpp"

namespace insitu::apps {

ImageManifest::ImageManifest(const std::string& path, std::string hint)
    : hint_(std::move(hint)), file_(path), rows_(file_.contents()) {
    if (file_.complete()) return;
    throw Error(ErrorKind::refused, {.file = path}, "does not name every extent", hint_);
}

void ImageManifest::refuse(const Image& image, const std::string& text) const {
    throw Error(ErrorKind::refused, {.file = file_.path()},
                fmt::format("is not the manifest of {}: {}", image.store().name(), text), hint_);
}

void ImageManifest::require_uuid_of(const Image& image) const {
    if (!file_.uuid()) return;
    const auto identity = read_identity(image.store());
    if (identity && identity->uuid == *file_.uuid()) return;
    refuse(image, fmt::format("it is of {}, the image has {}", to_string(*file_.uuid()),
                              identity ? "the UUID " + to_string(identity->uuid) : "no UUID"));
}

void ImageManifest::require_map_of(const Image& image) const {
    if (file_.map_sha256().empty() || file_.map_sha256() == map_sum_of(image)) return;
    refuse(image, "the image has another map: it was written to since, or is another one");
}

// The extents of windows that are spread over all that are named.
void ImageManifest::require_sample_of(const Image& image) const {
    constexpr std::size_t samples = 32;
    const auto extents = file_.extents();
    WindowReader reader(image);
    std::vector<std::byte> content(window_bytes);
    for (std::size_t i = 0; i < std::min(samples, extents.size()); ++i) {
        const std::size_t place = i * extents.size() / std::min(samples, extents.size());
        const WindowIndex window = window_of(extents[place].first);
        const std::size_t length = image.geometry().blocks_in_window(window) * block_bytes;
        reader.read(window, ByteSpan(content).first(length), nullptr);
        const BlockIndex first = first_block_of(window);
        for (const ManifestExtent& extent : rows_.starting_in(window)) {
            if (window_of({extent.end().value - 1}) != window) continue;
            const ByteView bytes = ByteView(content).subspan(
                (extent.first.value - first.value) * block_bytes, extent.blocks * block_bytes);
            if (content_hash(bytes) == extent.hash) continue;
            refuse(image, fmt::format("window {} has other content", window.value));
        }
    }
}

void ImageManifest::prove(const Image& image) const {
    require_size_of(file_, image);
    require_uuid_of(image);
    require_map_of(image);
    require_sample_of(image);
}

std::optional<std::span<const ManifestExtent>> ImageManifest::rows_of(WindowIndex window,
                                                                      const WindowMap& map) const {
    const auto rows = rows_.starting_in(window);
    const BlockIndex first = first_block_of(window);
    const std::size_t before = file_.find(first);
    const bool reaches_in =
        before < file_.extents().size() && file_.extents()[before].first < first;
    if (reaches_in) return std::nullopt;
    auto row = rows.begin();
    for (const Extent extent : map.extents()) {
        if (extent.unmapped()) continue;
        if (row == rows.end() || row->first != first + extent.first ||
            row->blocks != extent.blocks) {
            return std::nullopt;
        }
        ++row;
    }
    if (row != rows.end()) return std::nullopt;
    return rows;
}

std::optional<std::uint32_t> ImageManifest::known_blocks(WindowIndex window, const WindowMap& map,
                                                         ByteView content) const {
    const auto rows = rows_of(window, map);
    if (!rows) return std::nullopt;
    const BlockIndex first = first_block_of(window);
    std::uint64_t known = 0;
    for (const ManifestExtent& row : *rows) {
        const std::uint64_t at = row.first.value - first.value;
        if ((at + row.blocks) * block_bytes > content.size()) continue;
        const ByteView bytes = content.subspan(at * block_bytes, row.blocks * block_bytes);
        if (content_hash(bytes) != row.hash) continue;
        known |= ((std::uint64_t{1} << row.blocks) - 1) << at;
    }
    return static_cast<std::uint32_t>(known);
}

}  // namespace insitu::apps
