// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// <xxhash.h>, whose XXH3 uses the widest registers that the processor has, if the package was built
// with that: a third of the instructions. The values are the same.
#ifdef INSITU_HAVE_XXH_DISPATCH
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif
