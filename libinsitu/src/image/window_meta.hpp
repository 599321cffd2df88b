// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>

#include "insitu/internal/format/geometry.hpp"
#include "insitu/store.hpp"

namespace insitu {

// Writes the meta of one window in whole sectors, of which the rest stays. For one thread.
void write_window_meta(Store& store, const Geometry& geometry, WindowIndex window,
                       std::span<const std::byte, window_meta_bytes> meta);

}  // namespace insitu
