// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/store.hpp"

namespace insitu {

// Throws the `refused` Error for an image with a pending intent, with the ways out.
[[noreturn]] void refuse_pending(const Store& store);

}  // namespace insitu
