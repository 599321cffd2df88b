// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/manifest_pair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/manifest_check.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/image/window_reader.hpp"

namespace insitu::apps {

namespace {

[[noreturn]] void refuse(const ManifestFile& manifest, const Image& image,
                         const std::string& text) {
    throw Error(ErrorKind::refused, {.file = manifest.path()},
                fmt::format("is not the manifest of {}: {}", image.store().name(), text),
                "without --manifest and --target-manifest the images are compared");
}

void require_uuid_of(const ManifestFile& manifest, const Image& image) {
    if (!manifest.uuid()) return;
    const auto identity = read_identity(image.store());
    if (identity && identity->uuid == *manifest.uuid()) return;
    refuse(manifest, image,
           fmt::format("it is of {}, the image has {}", to_string(*manifest.uuid()),
                       identity ? "the UUID " + to_string(identity->uuid) : "no UUID"));
}

// The extents of windows that are spread over all that are named.
void require_sample_of(const ManifestFile& manifest, const Manifest& contents, const Image& image) {
    constexpr std::size_t samples = 32;
    const auto extents = manifest.extents();
    WindowReader reader(image);
    std::vector<std::byte> content(window_bytes);
    for (std::size_t i = 0; i < std::min(samples, extents.size()); ++i) {
        const std::size_t place = i * extents.size() / std::min(samples, extents.size());
        const WindowIndex window = window_of(extents[place].first);
        const std::size_t length = image.geometry().blocks_in_window(window) * block_bytes;
        reader.read(window, ByteSpan(content).first(length), nullptr);
        const BlockIndex first = first_block_of(window);
        for (const ManifestExtent& extent : contents.starting_in(window)) {
            if (window_of({extent.end().value - 1}) != window) continue;
            const ByteView bytes = ByteView(content).subspan(
                (extent.first.value - first.value) * block_bytes, extent.blocks * block_bytes);
            if (content_hash(bytes) == extent.hash) continue;
            refuse(manifest, image, fmt::format("window {} has other content", window.value));
        }
    }
}

void require_complete(const ManifestFile& manifest) {
    if (manifest.complete()) return;
    throw Error(ErrorKind::refused, {.file = manifest.path()}, "does not name every extent");
}

// The extents of one window; whether none of them crosses its borders.
bool inside(const Manifest& manifest, const ManifestFile& file, WindowIndex window) {
    const BlockIndex first = first_block_of(window);
    const std::size_t at = file.find(first);
    if (at < file.extents().size() && file.extents()[at].first < first) return false;
    const auto extents = manifest.starting_in(window);
    return extents.empty() || window_of({extents.back().end().value - 1}) == window;
}

}  // namespace

ManifestPair::ManifestPair(const std::string& source_manifest, const std::string& target_manifest)
    : source_file_(source_manifest),
      target_file_(target_manifest),
      source_(source_file_.contents()),
      target_(target_file_.contents()) {
    require_complete(source_file_);
    require_complete(target_file_);
}

void ManifestPair::prove(const Image& source, const Image& target) const {
    require_size_of(source_file_, source);
    require_size_of(target_file_, target);
    require_uuid_of(source_file_, source);
    require_uuid_of(target_file_, target);
    require_sample_of(source_file_, source_, source);
    require_sample_of(target_file_, target_, target);
}

bool ManifestPair::equal(WindowIndex window, const WindowMap& map) const {
    if (!inside(source_, source_file_, window) || !inside(target_, target_file_, window)) {
        return false;
    }
    const auto a = source_.starting_in(window);
    const auto b = target_.starting_in(window);
    const auto same = [](const ManifestExtent& left, const ManifestExtent& right) {
        return left.first == right.first && left.blocks == right.blocks && left.hash == right.hash;
    };
    if (!std::equal(a.begin(), a.end(), b.begin(), b.end(), same)) return false;
    std::uint32_t mapped = 0;
    for (const Extent extent : map.extents()) {
        for (unsigned i = 0; i < extent.blocks && !extent.unmapped(); ++i)
            mapped |= std::uint32_t{1} << (extent.first + i);
    }
    return mapped == ~source_.zero_blocks(window);
}

std::unique_ptr<ManifestPair> proven_manifests(const CopyArguments& arguments, const Image& image,
                                               const Store& target) {
    if (arguments.manifest.empty()) return nullptr;
    auto manifests = std::make_unique<ManifestPair>(arguments.manifest, arguments.target_manifest);
    if (unfinished_work(target)) return nullptr;
    manifests->prove(image, Image::open(target, SizeCheck::strict, PendingCheck::refuse));
    return manifests;
}

}  // namespace insitu::apps
