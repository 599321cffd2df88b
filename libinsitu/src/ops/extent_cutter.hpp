#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "codec/lzo_border_encoder.hpp"
#include "insitu/store/aligned_buffer.hpp"
#include "insitu/units.hpp"

// `--extent auto`: where to cut a run of blocks, by their content alone. docs/performance.md has
// the measurements behind every constant here.
namespace insitu {

// The length of the next extent follows from how well the one before it packed: nothing is encoded
// twice, so it suits every encoder. A value; one a run.
class DensityCutter {
  public:
    // The length of the next extent of a run of which `blocks_left` (at least 1) remain.
    unsigned next_blocks(unsigned blocks_left) const noexcept;
    // What became of it; `stream_bytes` 0: raw.
    void packed(unsigned blocks, std::uint64_t stream_bytes) noexcept;

  private:
    // Bytes of stream a block; the start value is what a block of a root file system takes.
    std::uint64_t density_bytes_ = 1792;
};

// For LZO: an encoder that knows the exact length of its stream at each border of a block chooses
// the border where size and read cost are best. Not thread-safe: one a thread, 140 KiB and the
// encoder's.
class LzoCutter {
  public:
    explicit LzoCutter(Level level);

    struct Piece {
        unsigned blocks;
        std::uint32_t stream_bytes;  // 0: raw
    };

    // Encodes the first extent of a run of whole blocks (at most a window). Its stream stands at
    // the start of stream() until the next call.
    Piece cut(ByteView run);
    ByteSpan stream() noexcept { return stream_.span(); }

  private:
    using Cost = std::int64_t;  // in 1/65536 sector
    Cost price_of_block(std::uint32_t stream_bytes) const noexcept;

    std::unique_ptr<LzoBorderEncoder> encoder_;
    AlignedBuffer stream_;
    std::array<Cost, 320> prices_;
};

}  // namespace insitu
