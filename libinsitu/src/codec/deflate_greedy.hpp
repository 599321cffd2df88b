// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "codec/border_encoder.hpp"

namespace insitu {

// Deflate encoders that take the first match that they see: one table, of 5 or of 4 bytes, or one
// more of 3 bytes and a look at the next place. About 600 KiB a thread.
std::unique_ptr<BorderEncoder> make_deflate_fastest_encoder();
std::unique_ptr<BorderEncoder> make_deflate_one_table_encoder();
std::unique_ptr<BorderEncoder> make_deflate_wide_one_table_encoder();  // of 32 KiB
std::unique_ptr<BorderEncoder> make_deflate_two_table_encoder();

}  // namespace insitu
