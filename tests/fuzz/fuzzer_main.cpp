// SPDX-License-Identifier: GPL-2.0-or-later
// The entry of libFuzzer; one program a target, which INSITU_FUZZ_TARGET names.
#include <cstddef>
#include <cstdint>

#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    insitu::fuzz::INSITU_FUZZ_TARGET({reinterpret_cast<const std::byte*>(data), size});
    return 0;
}
