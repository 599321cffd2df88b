// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "support/driver_model.hpp"

namespace insitu::test {

// Images as the driver leaves them after random overlapping writes, and what may befall them.
struct Victim {
    DriverModel model;
    DriverModel::Bytes older;  // the medium at an earlier flush
    DriverModel::Bytes image;  // the medium now, damaged
    bool torn = false;         // single sectors of payloads are damaged, not whole ones
};

enum class Harm {
    none,         // a sound image
    power_cut,    // any of the writes since the last flush, data and meta apart (D1, D2, D4, D5)
    half_write,   // a write that failed half-way (C1)
    meta,         // bits, bytes, a torn page, a stale page of the bitmap
    sectors,      // data: flipped bits, sectors that are zeroed, torn or swapped
    cut_file,     // the file ends early
    any_mixture,  // up to four of the others
};

// An image of 96 blocks, or in one case of four of 864, whose bitmap has two sectors.
Victim make_victim(Random& random, Harm harm);

}  // namespace insitu::test
