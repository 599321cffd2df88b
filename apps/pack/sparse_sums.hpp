// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/internal/engine/control.hpp"
#include "insitu/store.hpp"
#include "pack/crc32.hpp"

namespace insitu::apps {

// The CRC-32 of what an Android sparse image holds up to some chunk. Of blocks without content the
// format says that they count as zeros, and its readers take them so, but libsparse leaves them out
// where it writes: either sum is right.
class SparseSums {
  public:
    // Raw content in `file`. Throws `io` Errors, and a `cancelled` one if `stop`, which may be
    // null, is requested.
    void add_raw(const Store& file, std::uint64_t at_byte, std::uint64_t length_bytes,
                 const StopFlag* stop);
    // The bytes of a value, again and again.
    void add_fill(ByteView value, std::uint64_t length_bytes) noexcept;
    void add_hole(std::uint64_t length_bytes) noexcept;

    bool agree(std::uint32_t sum) const noexcept {
        return sum == with_holes_.value() || sum == without_holes_.value();
    }
    // As the format wants it.
    std::uint32_t value() const noexcept { return with_holes_.value(); }

  private:
    void add(const Crc32& part) noexcept {
        with_holes_.add(part);
        without_holes_.add(part);
    }

    Crc32 with_holes_;
    Crc32 without_holes_;
};

}  // namespace insitu::apps
