#pragma once

#include <memory>

#include "insitu/api.hpp"
#include "insitu/codec/codec.hpp"
#include "insitu/store/aligned_buffer.hpp"

namespace insitu {

// Makes payloads: compressed where that saves a sector, else raw. One a thread.
class INSITU_API ExtentEncoder {
  public:
    explicit ExtentEncoder(const EncoderOptions& options);
    ~ExtentEncoder();
    ExtentEncoder(ExtentEncoder&&) noexcept;
    ExtentEncoder& operator=(ExtentEncoder&&) noexcept;

    // The payload of an extent with this content (1 to 32 blocks), whole sectors: either in the
    // encoder's own memory, valid until the next call, or `blocks` itself (raw).
    ByteView encode(ByteView blocks);

  private:
    bool worth_encoding(ByteView blocks) noexcept;

    EncoderOptions options_;
    std::unique_ptr<Encoder> encoder_;
    std::unique_ptr<class CompressibilityProbe> probe_;  // where the encoder is slow
    AlignedBuffer payload_;
};

}  // namespace insitu
