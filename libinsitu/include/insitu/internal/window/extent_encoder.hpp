// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "insitu/internal/api.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

// Makes payloads: compressed where that saves a sector, else raw. Compressed ones are sealed if
// they have room. One a thread.
class INSITU_API ExtentEncoder {
  public:
    ExtentEncoder(const EncoderOptions& options, Seals seals);
    ~ExtentEncoder();
    ExtentEncoder(ExtentEncoder&&) noexcept;
    ExtentEncoder& operator=(ExtentEncoder&&) noexcept;

    // The payload of an extent at `first` with this content (1 to 32 blocks), whole sectors: either
    // in the encoder's own memory, valid until the next call, or `blocks` itself (raw).
    ByteView encode(BlockIndex first, ByteView blocks);

  private:
    bool worth_encoding(ByteView blocks) noexcept;

    EncoderOptions options_;
    Seals seals_;
    std::unique_ptr<Encoder> encoder_;
    std::unique_ptr<class CompressibilityProbe> probe_;  // where the encoder is slow
    AlignedBuffer payload_;
};

}  // namespace insitu
