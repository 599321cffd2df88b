// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/internal/image/meta_cursor.hpp"

namespace insitu {

// Whether extents may cross the borders of windows. The driver writes none that do; where whole
// blocks are moved, they do no harm.
enum class WindowBorders { respected, crossed };

// Throws a `damaged` Error that names the block unless an extent, which touches `window`, has
// meta that makes sense.
void require_sound(const Image& image, MetaCursor& cursor, const StoredExtent& extent,
                   WindowIndex window, WindowBorders borders);

// The same of all extents: nothing is changed by an image unless all of its meta makes sense.
void require_sound(const Image& image, WindowBorders borders);

}  // namespace insitu
