// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace insitu {

// What an update of an image came to.
struct UpdateTotals {
    std::uint64_t compared_bytes = 0;  // read from the target, of payloads and meta
    std::uint64_t written_bytes = 0;   // all that was written, block 0 included; 0: it was the same
    // Payloads that were taken for equal by their seals or by what the caller knows, and not
    // compared.
    std::uint64_t trusted_bytes = 0;
    // Payloads in windows whose content was the same, so that they were not encoded.
    std::uint64_t kept_bytes = 0;
    bool resumed = false;  // an interrupted update was completed
};

}  // namespace insitu
