// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Effort, from 1 to 9: each step packs tighter and takes longer (docs/performance.md). Three of
// them have names; the others are Level{1} and so on. Beyond 9 means 9, 0 means 1.
enum class Level : std::uint8_t { fast = 2, normal = 3, best = 8 };

// How far back a deflate stream may point (docs/format.md §2.4): 2 KiB is what the driver's own
// encoder uses, 32 KiB packs tighter but breaks on ports of the driver to Linux >= 6.15.
enum class DeflateWindow { kib2, kib32 };

struct EncoderOptions {
    Algorithm algorithm = Algorithm::lzo;
    Level level = Level::normal;
    DeflateWindow window = DeflateWindow::kib2;
};

// Room that an encoder may need while it works, for any algorithm and level.
constexpr std::size_t encode_bound_bytes(std::size_t input_bytes) noexcept {
    return input_bytes + input_bytes / 16 + 128;
}

// Makes one self-contained stream of an extent. Keeps scratch memory: one object a thread.
class INSITU_API Encoder {
  public:
    virtual ~Encoder();
    // Compresses `input` (1 byte to 128 KiB) into `output`, which has at least
    // encode_bound_bytes(input.size()) bytes. Returns the length of the stream, or 0 where it would
    // be longer than `limit_bytes`.
    virtual std::size_t encode(ByteView input, ByteSpan output,
                               std::size_t limit_bytes) noexcept = 0;
};

enum class DecodeStatus {
    ok,        // the whole input was one stream
    corrupt,   // no stream, or it ends after the input or before its end
    overflow,  // the stream gives more than the output holds
};

struct DecodeResult {
    DecodeStatus status = DecodeStatus::corrupt;
    std::size_t output_bytes = 0;  // what an `ok` stream gave: may be less than the output holds
};

// Reads one stream, of any origin. Never touches memory outside its spans. One object a thread.
class INSITU_API Decoder {
  public:
    virtual ~Decoder();
    virtual DecodeResult decode(ByteView stream, ByteSpan output) noexcept = 0;
};

// Throws std::bad_alloc only.
INSITU_API std::unique_ptr<Encoder> make_encoder(const EncoderOptions& options);
INSITU_API std::unique_ptr<Decoder> make_decoder(Algorithm algorithm);

}  // namespace insitu
