// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "codec/border_encoder.hpp"
#include "codec/compressibility.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/units.hpp"

// `--extent auto`: where to cut a run of blocks, by their content alone. docs/performance.md has
// the measurements behind every constant here.
namespace insitu {

// Chooses the border where size, also in host blocks, and read cost are best: by the lengths that
// an encoder has at each border. Not thread-safe: one a thread, 140 KiB and the encoder's.
class ExtentCutter {
  public:
    explicit ExtentCutter(const EncoderOptions& options);

    struct Piece {
        unsigned blocks;
        std::uint32_t stream_bytes;  // 0: raw
    };

    // Encodes the first extent of a run of whole blocks (at most a window). Its stream is at the
    // start of stream() until the next call.
    Piece cut(ByteView run);
    ByteSpan stream() noexcept { return stream_.span(); }

  private:
    using Cost = std::int64_t;  // in 1/65536 sector
    Cost price_of_block(std::uint32_t stream_bytes) const noexcept;
    // The first extent, as far as lengths tell; 0 bytes: raw.
    Piece choose(unsigned blocks);
    std::uint32_t encode(ByteView extent);

    BorderChoice choice_;
    std::unique_ptr<CompressibilityProbe> probe_;  // for encoders that need it
    CompressibilityProbe::Evidence evidence_;
    AlignedBuffer stream_;
    std::array<Cost, 320> prices_;
};

}  // namespace insitu
