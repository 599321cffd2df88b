// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>

#include "insitu/internal/codec/codec.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Tells at a small part of the cost of a slow encoder whether it is worth running: some 50 us for
// 128 KiB of random bytes. Looks for a byte distribution that is not flat, and for repeats.
// Not thread-safe: one a thread, 9 KiB.
class CompressibilityProbe {
  public:
    enum class Evidence { repeats, repeats_and_distribution };

    // False where an encoder would save nothing. LZO gains from repeats alone. `blocks` are whole.
    bool compressible(ByteView blocks, Evidence evidence) noexcept;

  private:
    bool uneven_bytes(ByteView blocks) const noexcept;
    bool has_repeats(ByteView blocks) noexcept;

    std::array<std::uint32_t, 2048> positions_{};
};

// Whether an encoder takes much longer for random bytes than the probe: a greedy LZO encoder finds
// out itself in no more time.
bool is_slow_on_random(const EncoderOptions& options) noexcept;
// What an algorithm gains from.
CompressibilityProbe::Evidence evidence_for(Algorithm algorithm) noexcept;

}  // namespace insitu
