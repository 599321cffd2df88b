#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "insitu/api.hpp"
#include "insitu/units.hpp"

namespace insitu {

// What an extent of blocks should hold: the XXH3-128 of its logical content as 32 hex digits, high
// half first.
struct ManifestExtent {
    BlockIndex first;
    std::uint64_t blocks = 0;
    std::string hash;

    BlockIndex end() const noexcept { return first + blocks; }
};

// The contents that an image had when all was well. A value; blocks that it does not name are not
// compared.
class INSITU_API Manifest {
  public:
    // Sorts the extents. Throws a `refused` Error where two overlap, where one has no block or more
    // than 1024, or where a hash is none; `name` is for its message.
    Manifest(std::vector<ManifestExtent> extents, const std::string& name);

    // The extents that start in a window, in order.
    std::span<const ManifestExtent> starting_in(WindowIndex window) const noexcept;
    std::size_t size() const noexcept { return extents_.size(); }

  private:
    std::vector<ManifestExtent> extents_;
};

// The hash of content as a manifest has it.
INSITU_API std::string content_hash(ByteView content);

}  // namespace insitu
