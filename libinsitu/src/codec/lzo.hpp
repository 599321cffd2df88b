// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "insitu/internal/codec/codec.hpp"

namespace insitu {

std::unique_ptr<Encoder> make_lzo_encoder(Level level);
std::unique_ptr<Decoder> make_lzo_decoder();

}  // namespace insitu
