// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "insitu/internal/api.hpp"
#include "insitu/pack.hpp"

namespace insitu {

// What the caller knows of the image that is updated: a bit for each block of a window in a mapped
// extent which holds what `content` has there (whole blocks, from the start of the window; perhaps
// fewer than the window has). `map` is the meta that the image has of the window. None: nothing is
// known of the window. Called from several threads.
using KnownContent = std::function<std::optional<std::uint32_t>(
    WindowIndex window, const WindowMap& map, ByteView content)>;

// pack_update() with such knowledge, so that little is decoded: extents that are known to hold the
// content stay, others of the same window are packed anew. What costs little is looked at all the
// same: a payload that is not compressed is compared, one without a seal is decoded, and of a
// sealed one the seal has to be there, which a write of the driver leaves only with a stream of
// exactly the old length. `known` is not asked if an interrupted update is completed.
INSITU_API PackResult update_from_source(Source& source, Store& target, PackOptions options,
                                         const KnownContent& known, const Control& control);

}  // namespace insitu
