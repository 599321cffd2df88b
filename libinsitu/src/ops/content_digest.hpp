// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/units.hpp"

namespace insitu {

// A digest of what an image holds, from its extents in any order: the default UUID of a packed
// image, so that the same content, packed in the same way, has the same name. The hashes in seals
// are used again, which makes it nearly free. No proof of anything.
class ContentDigest {
  public:
    // An extent with its payload, whole sectors.
    void add(BlockIndex first, unsigned blocks, ByteView payload) noexcept;
    ContentDigest& operator+=(const ContentDigest& other) noexcept;
    Uuid uuid(const SuperBlock& super) const noexcept;

  private:
    std::uint64_t low_ = 0;
    std::uint64_t high_ = 0;
};

}  // namespace insitu
