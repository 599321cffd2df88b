// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

namespace insitu {

// XXH3-128 of content.
struct ContentHash {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend constexpr bool operator==(ContentHash, ContentHash) = default;
};

INSITU_API ContentHash content_hash(ByteView content) noexcept;
// 32 hex digits, high half first.
INSITU_API std::string to_string(ContentHash hash);

// What an extent of blocks should hold.
struct ManifestExtent {
    BlockIndex first;
    std::uint64_t blocks = 0;
    ContentHash hash;

    BlockIndex end() const noexcept { return first + blocks; }
};

// The contents that an image had when all was well. A view: the extents outlive it.
class INSITU_API Manifest {
  public:
    // What the blocks are that no extent names.
    enum class Others { zeros, unknown };

    // Throws a `refused` Error where extents are out of order or overlap, or where one has no block
    // or more than 1024; `name` is for messages.
    Manifest(std::span<const ManifestExtent> extents, std::uint64_t logical_bytes, Others others,
             std::string name);

    const std::string& name() const noexcept { return name_; }
    std::uint64_t logical_bytes() const noexcept { return logical_bytes_; }
    // The extents that start in a window, in order.
    std::span<const ManifestExtent> starting_in(WindowIndex window) const noexcept;
    // A bit for each block of a window that should be zeros.
    std::uint32_t zero_blocks(WindowIndex window) const noexcept;

  private:
    std::span<const ManifestExtent> extents_;
    std::uint64_t logical_bytes_;
    Others others_;
    std::string name_;
};

}  // namespace insitu
