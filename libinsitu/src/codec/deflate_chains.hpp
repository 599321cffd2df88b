// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "codec/border_encoder.hpp"

namespace insitu {

// A deflate encoder with a window of 2 KiB that looks at up to `depth` earlier places with the same
// bytes, and at the next place before it takes a match. 600 KiB a thread.
std::unique_ptr<BorderEncoder> make_deflate_chain_encoder(unsigned depth);

}  // namespace insitu
