// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <xxhash.h>

#include <functional>
#include <memory>
#include <vector>

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

// Writes a stream into runs of sectors, each of which begins with the place of the next.
class RedoWriter {
  public:
    // `take_run` gives the next run to use, at least 1 sector; throws where there is none. `write`
    // writes the first sectors of a run.
    RedoWriter(std::function<SectorRun()> take_run, std::function<void(SectorRun, ByteView)> write);

    void append(ByteView bytes);
    // Ends the stream. Fills in first, redo_bytes and redo_hash; nothing is synced.
    void finish(Intent& intent);

    std::uint64_t written_bytes() const noexcept { return written_bytes_; }

  private:
    void write_run(SectorRun next);

    std::function<SectorRun()> take_run_;
    std::function<void(SectorRun, ByteView)> write_;
    AlignedBuffer buffer_;
    SectorRun first_;
    SectorRun current_;
    std::size_t filled_ = 0;
    std::uint64_t stream_bytes_ = 0;
    std::uint64_t written_bytes_ = 0;
    RunningHash hash_;
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
