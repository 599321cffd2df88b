// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "codec/lzo_border_encoder.hpp"
#include "codec/lzo_matches.hpp"

namespace insitu {

// An encoder that looks for the shortest row of tokens. 2 MiB a thread.
std::unique_ptr<LzoBorderEncoder> make_lzo_optimal_encoder(const lzo::Search& search);

}  // namespace insitu
