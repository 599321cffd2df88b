// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>

#include "image/redo_reader.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "journal/sector_evidence.hpp"

namespace insitu {

// Writes a stream into runs of sectors, each of which begins with the place of the next.
class RedoWriter {
  public:
    // A buffer for it: the longest run.
    static constexpr std::size_t buffer_bytes = longest_run_sectors * sector_bytes;
    // `take_run` gives the next run to use, at least 1 sector; throws where there is none. `write`
    // writes the first sectors of a run. The buffer is not kept longer than the writer.
    RedoWriter(std::function<SectorRun()> take_run, std::function<void(SectorRun, ByteView)> write,
               AlignedBuffer& buffer);

    void append(ByteView bytes);
    // Ends the stream. Fills in first, redo_bytes and redo_hash; nothing is synced.
    void finish(Intent& intent);

    std::uint64_t written_bytes() const noexcept { return written_bytes_; }

  private:
    void write_run(SectorRun next);

    std::function<SectorRun()> take_run_;
    std::function<void(SectorRun, ByteView)> write_;
    AlignedBuffer& buffer_;
    SectorRun first_;
    SectorRun current_;
    std::size_t filled_ = 0;
    std::uint64_t stream_bytes_ = 0;
    std::uint64_t written_bytes_ = 0;
    RunningHash hash_;
};

// What a stream has of one window, and how long that is.
void append_window(RedoWriter& writer, WindowIndex window, const WindowMeta& before,
                   const WindowMeta& after, const ChangedSectors& sectors);
std::uint64_t stream_bytes_of(const ChangedSectors& sectors);

}  // namespace insitu
