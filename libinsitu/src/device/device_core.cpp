// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/device_core.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "insitu/error.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

// Calls visit(part, bytes of the request before it, its length) for each window that it touches.
template <class Visit>
void for_each_part(std::uint64_t at_byte, std::uint64_t length_bytes, Visit visit) {
    for (std::uint64_t done = 0; done < length_bytes;) {
        const std::uint64_t at = at_byte + done;
        const std::uint64_t in_window = at % window_bytes;
        const std::uint64_t step = std::min(window_bytes - in_window, length_bytes - done);
        visit(WindowPart{{at / window_bytes},
                         static_cast<unsigned>(in_window / block_bytes),
                         static_cast<unsigned>((in_window + step) / block_bytes)},
              done, step);
        done += step;
    }
}

}  // namespace

Device::Core::Core(Store& store, const DeviceOptions& options,
                   std::unique_ptr<OverlayStore> overlay, std::uint64_t recovered)
    : options_(options),
      overlay_(std::move(overlay)),
      medium_(overlay_ ? *overlay_ : store, options_),
      space_(medium_.geometry(), options_.cache_bytes),
      staging_(medium_, space_, options_),
      committer_(medium_, staging_, space_, options_, counters_),
      background_(committer_, staging_, options_, counters_),
      intake_(medium_, space_, staging_, committer_, background_),
      bytes_([this](std::uint64_t at_byte, ByteSpan output) { read(at_byte, output); },
             [this](std::uint64_t at_byte, std::uint64_t length_bytes, const std::byte* content) {
                 write(at_byte, length_bytes, content);
             }) {
    counters_.recovered = recovered;
    if (is_read_only()) return;
    committer_.search_holes(RedoSpace::windows_at_open);
    // Once more for short holes, if there are few others.
    if (space_.cramped()) committer_.search_holes(RedoSpace::windows_at_open);
    if (space_.cramped() && options_.warn) {
        options_.warn(DeviceWarning::journal,
                      "the image is almost full: the journal has little room, and writes are slow");
    }
}

DeviceStatus Device::Core::status() const {
    DeviceStatus status;
    status.counters = counters_.get();
    status.waiting_bytes = space_.waiting_bytes();
    status.cache_bytes = space_.limit_bytes();
    status.journal_room_bytes = space_.room_bytes();
    status.cache_hits = medium_.content().hits();
    status.cache_misses = medium_.content().misses();
    status.journal_cramped = !is_read_only() && space_.cramped();
    status.intent_pending = committer_.intent_pending();
    status.durable = committer_.is_durable(staging_.sequence());
    return status;
}

void Device::Core::check_range(std::uint64_t at_byte, std::uint64_t length_bytes) const {
    const std::uint64_t size = geometry().logical_bytes();
    const std::string& name = medium_.store().name();
    if (at_byte > size || length_bytes > size - at_byte) {
        throw Error(ErrorKind::refused, {.file = name},
                    fmt::format("request of {} bytes at {} reaches beyond the end at {}",
                                length_bytes, at_byte, size));
    }
}

void Device::Core::read(std::uint64_t at_byte, ByteSpan output) {
    Workspaces::Loan workspace(medium_.workspaces());
    for_each_part(at_byte, output.size(),
                  [&](const WindowPart& part, std::uint64_t done, std::uint64_t length) {
                      staging_.read(part, output.subspan(done, length), *workspace);
                  });
    ++counters_.reads;
}

void Device::Core::write(std::uint64_t at_byte, std::uint64_t length_bytes,
                         const std::byte* content) {
    if (is_read_only()) {
        throw Error(ErrorKind::refused, {.file = medium_.store().name()},
                    "the device was opened for reading only");
    }
    for_each_part(at_byte, length_bytes,
                  [&](const WindowPart& part, std::uint64_t done, std::uint64_t length) {
                      const std::byte* bytes = content == nullptr ? nullptr : content + done;
                      if (bytes != nullptr && is_zero(ByteView(bytes, length))) bytes = nullptr;
                      intake_.write(part, bytes);
                  });
    ++counters_.writes;
    if (content == nullptr) return;
    counters_.uncompressed += length_bytes;
    intake_.look_at_host(length_bytes);
}

std::vector<BlockRun> Device::Core::map(std::uint64_t at_byte, std::uint64_t length_bytes) {
    // About 0.5 GiB at a time: a caller that wants to know more asks again.
    constexpr std::uint64_t most_windows = 4096;
    // Runs are of whole blocks: all that the request touches.
    const std::uint64_t end = ceil_div(at_byte + length_bytes, block_bytes) * block_bytes;
    at_byte = at_byte / block_bytes * block_bytes;
    length_bytes = end - at_byte;
    const std::uint64_t limit = (at_byte / window_bytes + most_windows) * window_bytes - at_byte;
    std::vector<BlockRun> runs;
    const auto add = [&](BlockIndex first, std::uint64_t blocks, bool mapped) {
        if (!runs.empty() && runs.back().mapped == mapped) {
            runs.back().blocks += blocks;
        } else {
            runs.push_back({first, blocks, mapped});
        }
    };
    for_each_part(
        at_byte, std::min(length_bytes, limit),
        [&](const WindowPart& part, std::uint64_t, std::uint64_t) { staging_.map(part, add); });
    return runs;
}

void Device::Core::finish_request(Durability durability) {
    if (durability == Durability::fua || options_.policy == CommitPolicy::writethrough) {
        commit_all();
    }
}

void Device::Core::close() {
    background_.stop();
    if (!is_read_only()) committer_.close();
}

}  // namespace insitu
