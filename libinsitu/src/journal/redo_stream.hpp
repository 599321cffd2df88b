// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>

#include "image/redo_reader.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

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

}  // namespace insitu
