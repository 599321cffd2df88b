// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/api.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/store/block_device.hpp"
#include "insitu/store.hpp"

namespace insitu {

// When a write reaches the medium.
enum class CommitPolicy {
    writeback,     // at FLUSH, with FUA, every commit delay, and where memory runs out
    writethrough,  // before it returns
};

// What to do with an intent that an interrupted run left (docs/crash-safety.md).
enum class PendingIntent {
    automatic,  // apply it if it is beyond doubt
    apply,      // also if its stamp was overwritten
    drop,       // forget it: the image was changed by another program since
};

// Whether windows that requests have cut up are put together again: extents side by side become
// one, and what is stored raw is compressed, where that saves at least a block and an eighth.
enum class Compaction {
    off,
    idle,  // by the thread of start_commits(), when nothing was asked for a commit delay
};

// What becomes of a write into a part of a compressed extent if the image has no hole left for the
// journal (docs/crash-safety.md).
enum class UnprotectedCommits {
    refuse,  // it fails with ENOSPC
    allow,   // it is done: a power cut then can lose blocks of the extent that were not written
};

enum class DeviceWarning {
    journal,        // it has little room, or none
    failed_commit,  // in the background
    full_disk,      // for want of space under the image: a failed commit, too
};

struct DeviceOptions {
    Access access = Access::read_write;
    Level level = Level::fast;  // a writer waits; compaction takes Level::normal at least
    CommitPolicy policy = CommitPolicy::writeback;
    std::chrono::milliseconds commit_delay{5000};
    std::uint64_t cache_bytes = std::uint64_t{64} << 20;  // for writes that wait for a commit
    // Of the content of compressed extents of which a part was read; 0: each read decodes.
    std::uint64_t decode_cache_bytes = std::uint64_t{256} << 20;
    PendingIntent pending = PendingIntent::automatic;
    // An image of another size than its super block says is only read.
    SizeCheck size_check = SizeCheck::strict;
    Compaction compaction = Compaction::off;
    UnprotectedCommits unprotected = UnprotectedCommits::allow;
    Seals seals = Seals::write;
    // What differs from its seal is not read: a `damaged` Error, so that no wrong data is given.
    SealCheck seal_check = SealCheck::verify;
    // Is told, as a sentence, what the owner should know. From any thread; may be empty.
    std::function<void(DeviceWarning, const std::string&)> warn = {};
};

// Whether the disk under the image, or its owner's share of it, is full, and the cure: what an
// Error says of it is for those who write an image.
inline bool is_full_disk(const Error& error) noexcept {
    return error.kind() == ErrorKind::io &&
           (error.os_error() == ENOSPC || error.os_error() == EDQUOT);
}
inline constexpr const char* full_disk_hint =
    "make room on the disk that the image is on; if writes fail even then, start the server again";

// Since the device was opened.
struct DeviceCounters {
    std::uint64_t read_requests = 0;
    std::uint64_t write_requests = 0;
    std::uint64_t uncompressed_bytes = 0;   // of write requests
    std::uint64_t compressed_bytes = 0;     // of payloads written in place
    std::uint64_t encoded_bytes = 0;        // of payloads made: what the driver would have written
    std::uint64_t meta_bytes = 0;           // of meta written in place
    std::uint64_t journal_bytes = 0;        // of redo streams and intents
    std::uint64_t rewritten_extents = 0;    // decoded and compressed again: RMWs
    std::uint64_t commits = 0;              // that wrote an intent
    std::uint64_t unprotected_commits = 0;  // that found no room for one
    std::uint64_t failed_commits = 0;       // that ended with an error
    std::uint64_t recovered_windows = 0;    // restored at open
    std::uint64_t compacted_windows = 0;
};

// How a device is at this moment.
struct DeviceStatus {
    DeviceCounters counters;
    std::uint64_t waiting_bytes = 0;       // acknowledged, and not yet committed
    std::uint64_t cache_bytes = 0;         // that may wait
    std::uint64_t journal_room_bytes = 0;  // of holes that are set aside for the next commit
    std::uint64_t cache_hits = 0;          // looks into the decode cache
    std::uint64_t cache_misses = 0;
    bool journal_cramped = false;  // the image is almost full: writes are slow
    bool intent_pending = false;   // the image is no ordinary one until an idle moment or close()
    bool durable = true;           // nothing waits
};

// Blocks side by side that are mapped, or that are not.
struct BlockRun {
    BlockIndex first;
    std::uint64_t blocks = 0;
    bool mapped = false;
};

// The live logical device over an image: docs/format.md §3, with the promises of
// docs/crash-safety.md. A request may start at any byte and have any length. Whole blocks of 4096
// bytes cost least: a write of a part of a block reads the block first. Blocks of zeros are
// unmapped. All member functions but close() and the destructor may be called from several threads
// at once. Requests to one block that overlap in time are done in some order, one after the other.
// A read during a write over several windows may see some of these windows before the write and
// some after it.
//
// Errors: `refused` for a request outside the device or a write to a read-only one;
// `damaged` where an extent does not decode, or a window's meta is unsound and a write does not
// replace the whole window; `io`. A failed write leaves every block outside it as it was.
//
// Memory: cache_bytes, decode_cache_bytes, 10 MiB of meta and 600 KiB a thread.
class INSITU_API Device {
  public:
    // Opens the image and applies a pending intent (in memory, for Access::read). The store
    // outlives the device. Starts no thread.
    Device(Store& store, const DeviceOptions& options);
    // Forgets what was not committed; close() first.
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    const Geometry& geometry() const noexcept;
    std::uint64_t size_bytes() const noexcept { return geometry().logical_bytes(); }

    void read(std::uint64_t at_byte, ByteSpan output);
    // `durability` fua: returns when the data is durable; later requests may come before it.
    enum class Durability { later, fua };
    void write(std::uint64_t at_byte, ByteView input, Durability durability = Durability::later);
    // The range reads as zeros; whole blocks of it take no space.
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes,
              Durability durability = Durability::later);
    // The blocks that are whole within the range read as zeros and take no space; others stay.
    void unmap(std::uint64_t at_byte, std::uint64_t length_bytes,
               Durability durability = Durability::later);
    // Returns when every request that had returned before is durable.
    void flush();

    // The runs of whole blocks that cover [at_byte, at_byte + length_bytes), or a first part of it;
    // no I/O but for meta that is not in memory.
    std::vector<BlockRun> map(std::uint64_t at_byte, std::uint64_t length_bytes);

    // Starts the thread that commits every commit delay, and makes an idle image clean.
    void start_commits();
    // Does now what the thread does when nothing was asked for a commit delay: the compaction that
    // was chosen, a commit, and the image is clean.
    void do_idle_work();
    // Commits everything and leaves no intent behind. Afterwards only the destructor may be called.
    void close();

    DeviceCounters counters() const noexcept;
    // Does no I/O and waits for no commit. Parts of it may be a moment apart.
    DeviceStatus status() const;

  private:
    class INSITU_LOCAL Core;
    std::unique_ptr<Core> core_;
};

}  // namespace insitu
