// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "common/image_manifest.hpp"
#include "copy/copy_arguments.hpp"

namespace insitu::apps {

// What the manifests of two images say of their differences, so that payloads need not be read.
class ManifestPair {
  public:
    // Throws an `io` Error, or a `refused` one for what is no manifest.
    ManifestPair(const std::string& source_manifest, const std::string& target_manifest);

    // Manifests are believed only after this. Throws as ImageManifest::prove() does.
    void prove(const Image& source, const Image& target) const;

    // Whether a window has the same content in both; `map` is what both images have of it, and has
    // to have the extents that the manifests name. Thread-safe.
    bool equal(WindowIndex window, const WindowMap& map) const;

  private:
    ImageManifest source_;
    ImageManifest target_;
};

// Of an update. None: none are given, or an interrupted update is to be completed, of which nothing
// is known. Throws as the constructor and prove() do.
std::unique_ptr<ManifestPair> proven_manifests(const CopyArguments& arguments, const Image& image,
                                               const Store& target);

}  // namespace insitu::apps
