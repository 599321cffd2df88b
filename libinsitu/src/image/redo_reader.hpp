// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <xxhash.h>

#include <memory>

#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/store.hpp"

namespace insitu {

struct FreeHashState {
    void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
};

// The hash of bytes that come in parts.
class RunningHash {
  public:
    RunningHash();
    void add(ByteView bytes) noexcept;
    std::uint64_t value() const noexcept;

  private:
    std::unique_ptr<XXH3_state_t, FreeHashState> state_;
};

// Reads a stream. Every run is checked to lie in the data area before it is read.
class RedoReader {
  public:
    RedoReader(const Store& store, const Geometry& geometry, const Intent& intent);

    // False where the stream ends before or its runs make no sense.
    bool read(ByteSpan output);
    bool at_end() const noexcept { return left_bytes_ == 0; }
    std::uint64_t hash() const noexcept { return hash_.value(); }

  private:
    bool load(SectorRun run);

    const Store& store_;
    Geometry geometry_;
    AlignedBuffer buffer_;
    SectorRun next_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    std::uint64_t left_bytes_;
    RunningHash hash_;
};

}  // namespace insitu
