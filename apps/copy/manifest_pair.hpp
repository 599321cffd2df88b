// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "common/manifest.hpp"
#include "copy/copy_arguments.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/image/image.hpp"

namespace insitu::apps {

// What the manifests of two images say of their differences, so that payloads need not be read.
class ManifestPair {
  public:
    // Throws an `io` Error, or a `refused` one for what is no manifest.
    ManifestPair(const std::string& source_manifest, const std::string& target_manifest);

    // Manifests are believed only after this: each has to have the size and, if it has one, the
    // UUID of its image, and some windows of each image, spread over all of it, have to hold what
    // their manifest says. Throws a `refused` Error that says what does not agree.
    void prove(const Image& source, const Image& target) const;

    // Whether a window has the same content in both; `map` is what both images have of it, and has
    // to map the blocks that the manifests name. Thread-safe.
    bool equal(WindowIndex window, const WindowMap& map) const;

  private:
    ManifestFile source_file_;
    ManifestFile target_file_;
    Manifest source_;
    Manifest target_;
};

// Of an update. None: none are given, or an interrupted update is to be completed, of which nothing
// is known. Throws as the constructor and prove() do.
std::unique_ptr<ManifestPair> proven_manifests(const CopyArguments& arguments, const Image& image,
                                               const Store& target);

}  // namespace insitu::apps
