// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "codec/border_encoder.hpp"
#include "insitu/internal/codec/codec.hpp"

namespace insitu {

std::unique_ptr<Encoder> make_deflate_encoder(Level level, DeflateWindow window);
BorderChoice make_deflate_border_choice(Level level, DeflateWindow window);
std::unique_ptr<Decoder> make_deflate_decoder();

}  // namespace insitu
