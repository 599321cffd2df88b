// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/store.hpp"

namespace insitu {

// Consecutive windows of raw content.
struct SourceBatch {
    WindowIndex first;
    std::uint64_t length_bytes = 0;   // of content; the last window need not be whole
    std::uint64_t skipped_bytes = 0;  // of zeros between the batch before and this one
};

// Raw content that is to be packed, handed out in rising order.
class INSITU_API Source {
  public:
    virtual ~Source();
    virtual const std::string& name() const noexcept = 0;
    // Unknown for a stream.
    virtual std::optional<std::uint64_t> size_bytes() const = 0;
    // The next window that may hold something else than zeros; none at the end.
    virtual std::optional<WindowIndex> next_window() = 0;
    // Hands out the next batch below `limit`; false where there is none. A stream reads it into
    // `buffer` (batch_bytes long) here. One caller at a time.
    virtual bool take(SourceBatch& batch, ByteSpan buffer, WindowIndex limit) = 0;
    // Reads the batch into `buffer`, unless take() has. From any thread.
    virtual void fill(const SourceBatch& batch, ByteSpan buffer) = 0;
    // After the last batch: throws a `refused` Error where the source has not the size any more
    // that it was packed with.
    virtual void check_unchanged() const;
};

// A file or device; holes are skipped without reading them. The store outlives it.
enum class SourceSize { fixed, may_change };
[[nodiscard]] INSITU_API std::unique_ptr<Source> make_source(const Store& store,
                                                             SourceSize size = SourceSize::fixed);
std::unique_ptr<Source> make_source(const Store&& store,
                                    SourceSize size = SourceSize::fixed) = delete;

// An open pipe or other stream, read until it ends; more than `limit_bytes` are an error. The
// descriptor stays the caller's. `start` is what was read from it already. Waiting for input ends
// soon after a stop is asked for.
INSITU_API std::unique_ptr<Source> make_stream_source(int fd, std::string name,
                                                      std::uint64_t limit_bytes,
                                                      const StopFlag* stop,
                                                      std::vector<std::byte> start = {});

// The first bytes of a stream, to look at before it is packed; fewer than `most_bytes` if it ends.
INSITU_API std::vector<std::byte> read_stream_start(int fd, const std::string& name,
                                                    std::size_t most_bytes, const StopFlag* stop);

// Copies a stream to a nameless file in `directory`, sparse where it is zeros. `start` is what was
// read from it already.
INSITU_API std::unique_ptr<Store> spool_stream(int fd, const std::string& name,
                                               const std::string& directory, const StopFlag* stop,
                                               const std::vector<std::byte>& start = {});

}  // namespace insitu
