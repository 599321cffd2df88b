// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// Throws a `refused` Error for the first name that FAT cannot hold as it is: with one of "*:<>?|\,
// a control character, or bytes that are no UTF-8, with a space or a dot at its end, longer than
// 255 units of UTF-16, or the same as another one but for its case.
void check_fat_names(const Tree& tree);

// A name in units of UTF-16. Throws a `refused` Error if it is no UTF-8.
std::u16string utf16_of(const Entry& entry);

}  // namespace insitu::apps
