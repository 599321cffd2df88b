// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "insitu/internal/codec/codec.hpp"

namespace insitu {

// How hard a deflate encoder searches.
struct DeflateSearch {
    unsigned depth = 0;             // earlier places that are looked at for a match
    std::uint32_t long_enough = 0;  // a match of this length ends the search
    unsigned passes = 1;            // over each block, with the costs of the one before
};

// A deflate encoder with a window of 2 KiB that looks for the cheapest way to send an extent.
// About 3 MiB a thread.
std::unique_ptr<Encoder> make_deflate_optimal_encoder(const DeflateSearch& search);

}  // namespace insitu
