// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>

#include "insitu/internal/device/device.hpp"

namespace insitu {

// DeviceCounters, counted by any thread.
struct AtomicCounters {
    std::atomic<std::uint64_t> reads{0}, writes{0}, uncompressed{0}, compressed{0}, encoded{0},
        meta{0}, journal{0}, rewritten{0}, commits{0}, unprotected{0}, failed{0}, recovered{0},
        compacted{0};

    DeviceCounters get() const noexcept {
        DeviceCounters all;
        all.read_requests = reads;
        all.write_requests = writes;
        all.uncompressed_bytes = uncompressed;
        all.compressed_bytes = compressed;
        all.encoded_bytes = encoded;
        all.meta_bytes = meta;
        all.journal_bytes = journal;
        all.rewritten_extents = rewritten;
        all.commits = commits;
        all.unprotected_commits = unprotected;
        all.failed_commits = failed;
        all.recovered_windows = recovered;
        all.compacted_windows = compacted;
        return all;
    }
};

}  // namespace insitu
