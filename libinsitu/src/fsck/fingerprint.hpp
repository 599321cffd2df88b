#pragma once

#include <cstdint>

#include "insitu/store/store.hpp"

namespace insitu {

// A hash of the size, the super block and the meta area of a store: what tells one image, and one
// state of it, from another. Reads no data block; skips holes. Blocks that are cut off count as
// zeros.
std::uint64_t image_fingerprint(const Store& store);

}  // namespace insitu
