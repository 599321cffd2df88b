// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/finding.hpp"
#include "insitu/internal/codec/codec.hpp"

namespace insitu {

// What the kernel target does with the payload of a compressed extent (docs/format.md §4).
struct DriverView {
    KernelEffect effect = KernelEffect::none;
    bool reads_right = false;  // it gives exactly the blocks of the extent
};

// `payload` is whole sectors, as many as the shares add up to. `content` has the size of the extent
// and is overwritten. The driver checks neither the length word nor what a stream gives.
DriverView driver_view(Algorithm algorithm, Decoder& decoder, ByteView payload, ByteSpan content);

}  // namespace insitu
