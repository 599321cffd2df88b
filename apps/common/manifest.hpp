// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/fsck/manifest.hpp"

namespace insitu::apps {

// XXH3-128 of an extent's content (insitu-manifest(5)).
ManifestExtent hash_extent(BlockIndex first, ByteView content) noexcept;
// 32 hex digits.
std::string hash_text(const ManifestExtent& extent);

// A manifest, read whole: its extents lie in an unnamed temporary file, so memory does not depend
// on their number. Reads the schemas insitu-manifest/1 and /2, and insitu-dump-meta/1
// (made with --hash). No text in it takes more memory than 64 KiB.
// Extents rise and do not overlap; blocks that no extent names are zeros.
class ManifestFile {
  public:
    // Throws an `io` Error, or a `refused` one for what is no manifest.
    explicit ManifestFile(const std::string& path);
    ~ManifestFile();
    ManifestFile(const ManifestFile&) = delete;
    ManifestFile& operator=(const ManifestFile&) = delete;

    const std::string& path() const noexcept { return path_; }
    std::uint64_t logical_bytes() const noexcept { return logical_bytes_; }
    // None in a dump, and in manifests that do not say.
    std::optional<std::uint64_t> device_bytes() const noexcept { return device_bytes_; }
    // Length of the raw content, none in a dump, and its hashes, each 64 hex digits or empty.
    std::optional<std::uint64_t> raw_bytes() const noexcept { return raw_bytes_; }
    const std::string& raw_sha256() const noexcept { return raw_sha256_; }
    const std::string& tree_sha256() const noexcept { return tree_sha256_; }
    // Sum of the image's map (map_sum.hpp), 64 hex digits; empty in older manifests.
    const std::string& map_sha256() const noexcept { return map_sha256_; }
    // Of the image that it was written for; none in a dump, and in older manifests.
    const std::optional<Uuid>& uuid() const noexcept { return uuid_; }
    // Whether every mapped extent is named: a dump leaves out those it could not decode.
    bool complete() const noexcept { return complete_; }
    // Of which it says nothing: where it is not complete, all that no extent with a hash names.
    std::uint64_t unknown_blocks() const noexcept;

    // As fsck takes it; throws a `refused` Error where an extent is longer than it reads.
    Manifest contents() const;

    std::span<const ManifestExtent> extents() const noexcept { return extents_; }
    // The first extent that ends behind a block, or extents().size().
    std::size_t find(BlockIndex block) const noexcept;

  private:
    std::string path_;
    std::uint64_t logical_bytes_ = 0;
    std::optional<std::uint64_t> raw_bytes_;
    std::optional<std::uint64_t> device_bytes_;
    std::string raw_sha256_;
    std::string tree_sha256_;
    std::string map_sha256_;
    std::optional<Uuid> uuid_;
    bool complete_ = true;
    void* mapping_ = nullptr;
    std::span<const ManifestExtent> extents_;
};

}  // namespace insitu::apps
