// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/manifest_pair.hpp"

#include <algorithm>

#include "insitu/internal/image/unfinished.hpp"

namespace insitu::apps {

namespace {

constexpr const char* way_out = "without --manifest and --target-manifest the images are compared";

}  // namespace

ManifestPair::ManifestPair(const std::string& source_manifest, const std::string& target_manifest)
    : source_(source_manifest, way_out), target_(target_manifest, way_out) {}

void ManifestPair::prove(const Image& source, const Image& target) const {
    source_.prove(source);
    target_.prove(target);
}

bool ManifestPair::equal(WindowIndex window, const WindowMap& map) const {
    const auto source = source_.rows_of(window, map);
    const auto target = target_.rows_of(window, map);
    // Both have the extents of the map.
    return source && target &&
           std::equal(
               source->begin(), source->end(), target->begin(), target->end(),
               [](const ManifestExtent& a, const ManifestExtent& b) { return a.hash == b.hash; });
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
