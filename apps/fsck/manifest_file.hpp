#pragma once

#include <string>

#include "insitu/fsck/manifest.hpp"

namespace insitu::apps {

// Reads a manifest: {"schema": "insitu-manifest/1", "extents": [{"first_block", "blocks",
// "xxh3_128"}]}, or what insitu-dump-meta --hash --json prints. Extents without a hash (damaged
// when they were dumped) are left out. Throws `io` and `refused` Errors.
Manifest read_manifest(const std::string& path);

}  // namespace insitu::apps
