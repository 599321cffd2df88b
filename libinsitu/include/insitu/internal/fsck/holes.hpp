// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/store.hpp"

namespace insitu {

// Discards what no payload of a clean image uses, in whole blocks of 4 KiB: the space of unmapped
// blocks, and what payloads leave free. Nothing that reads is changed. `store` is the image's own.
// Returns the bytes that were discarded. Throws `io` and `cancelled` Errors, and a `refused` one
// for an image with a pending intent, whose redo stream is in such space.
INSITU_API std::uint64_t punch_holes(const Image& image, Store& store, const Control& control);

}  // namespace insitu
