// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "codec/lzo_border_encoder.hpp"

namespace insitu {

// One table, of 6 bytes or of 5. 16 KiB a thread.
std::unique_ptr<LzoBorderEncoder> make_lzo_fastest_encoder();
std::unique_ptr<LzoBorderEncoder> make_lzo_one_table_encoder();

// Two tables, of 4 and of 8 bytes, with a look at the next place for a long match. 32 KiB a thread.
std::unique_ptr<LzoBorderEncoder> make_lzo_two_table_encoder();

// The same with larger tables, a third one for near matches of 3 bytes, and a look for any better
// match. 72 KiB a thread.
std::unique_ptr<LzoBorderEncoder> make_lzo_two_table_lazy_encoder();

}  // namespace insitu
