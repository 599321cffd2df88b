// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "device/byte_access.hpp"
#include "device/committer.hpp"
#include "device/staging.hpp"
#include "insitu/internal/store/overlay_store.hpp"

namespace insitu {

// The thread that commits every commit delay, and uses the time in which nothing is asked for.
class Background {
  public:
    Background(Committer& committer, Staging& staging, const DeviceOptions& options,
               AtomicCounters& counters)
        : committer_(committer), staging_(staging), options_(options), counters_(counters) {}
    ~Background() { stop(); }
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    void start();
    void stop();
    // Commits soon: much is waiting.
    void wake();
    void written(WindowIndex window);
    void do_idle_work();

  private:
    struct Activity {  // what had happened when it was last looked at
        std::uint64_t requests = 0;
        std::uint64_t sequence = 0;
    };
    void run();
    void work(Activity& seen);
    void compact(const std::function<bool()>& stop);
    void punch(const std::function<bool()>& stop);
    bool stopping();
    std::uint64_t requests() const noexcept { return counters_.reads + counters_.writes; }

    Committer& committer_;
    Staging& staging_;
    const DeviceOptions& options_;
    AtomicCounters& counters_;
    WindowQueue to_compact_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stop_ = false;
    bool commit_soon_ = false;
    std::thread thread_;
};

// The inside of a Device: its parts, and what a request does with them.
class Device::Core {
  public:
    Core(Store& store, const DeviceOptions& options, std::unique_ptr<OverlayStore> overlay,
         std::uint64_t recovered);

    const Geometry& geometry() const noexcept { return medium_.geometry(); }
    void read(std::uint64_t at_byte, ByteSpan output);
    // No `content`: unmap.
    void write(std::uint64_t at_byte, std::uint64_t length_bytes, const std::byte* content);
    std::vector<BlockRun> map(std::uint64_t at_byte, std::uint64_t length_bytes);
    void commit_all() { committer_.commit_all(); }
    void finish_request(Durability durability);
    // Throws a `refused` Error for a request beyond the end.
    void check_range(std::uint64_t at_byte, std::uint64_t length_bytes) const;
    void close();
    Background& background() noexcept { return background_; }
    ByteAccess& bytes() noexcept { return bytes_; }
    bool is_read_only() const noexcept { return options_.access == Access::read; }
    DeviceCounters counters() const noexcept { return counters_.get(); }
    DeviceStatus status() const;

  private:
    template <class Visit>
    void for_each_part(std::uint64_t at_byte, std::uint64_t length_bytes, Visit visit) const;
    void write_part(const WindowPart& part, const std::byte* content);
    void stage(const WindowPart& part, const std::byte* content);
    void commit_if_host_is_full(std::uint64_t length_bytes);

    DeviceOptions options_;
    std::unique_ptr<OverlayStore> overlay_;  // if a read-only image has an intent
    AtomicCounters counters_;
    Medium medium_;
    RedoSpace space_;
    Staging staging_;
    Committer committer_;
    Background background_;
    ByteAccess bytes_;
    std::mutex cramped_mutex_;  // one change at a time while the journal has hardly any room
    std::atomic<std::uint64_t> unlooked_bytes_{0};  // written since the host's space was looked at
};

}  // namespace insitu
