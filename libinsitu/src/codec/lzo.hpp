#pragma once

#include <memory>

#include "insitu/codec/codec.hpp"

namespace insitu {

std::unique_ptr<Encoder> make_lzo_encoder(Level level);
std::unique_ptr<Decoder> make_lzo_decoder();

}  // namespace insitu
