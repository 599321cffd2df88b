// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace insitu {

// How the blocks of a window are cut into extents. Blocks of zeros are unmapped in any case.
struct ExtentPolicy {
    // 1, 2, 4, 8, 16 or 32 blocks; 0: chosen by content, for small reads at about the same size.
    unsigned blocks = 0;
};

}  // namespace insitu
