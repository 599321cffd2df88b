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

    // The payload of an extent with this content (1 to 32 blocks), whole sectors: either in the
    // encoder's own memory, valid until the next call, or `blocks` itself (raw).
    ByteView encode(ByteView blocks);

  private:
    std::unique_ptr<Encoder> encoder_;
    AlignedBuffer payload_;
};

}  // namespace insitu
