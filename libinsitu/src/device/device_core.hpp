#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <unordered_map>

#include "device/content_cache.hpp"
#include "device/gate.hpp"
#include "device/meta_cache.hpp"
#include "device/redo_space.hpp"
#include "device/window_plan.hpp"
#include "device/window_queue.hpp"
#include "device/workspace.hpp"
#include "insitu/device/device.hpp"
#include "insitu/error.hpp"
#include "insitu/image/image.hpp"
#include "insitu/store/overlay_store.hpp"

namespace insitu {

class RedoWriter;

// The blocks [first, end) of one window.
struct WindowPart {
    WindowIndex window;
    unsigned first = 0;
    unsigned end = 0;

    unsigned blocks() const noexcept { return end - first; }
};

// The inside of a Device. Locks, in the order in which they are taken: commit_mutex_, gate_, a
// stripe, the mutexes of RedoSpace and MetaCache. Writers are inside the gate and hold their
// window's stripe; readers hold the stripe shared; a commit has the gate closed and takes each
// stripe while it changes what is in place.
class Device::Core {
  public:
    Core(Store& store, const DeviceOptions& options, std::unique_ptr<OverlayStore> overlay,
         std::uint64_t recovered);
    ~Core();

    const Geometry& geometry() const noexcept { return geometry_; }

    // device_read.cpp
    void read(std::uint64_t at_byte, ByteSpan output);
    std::vector<BlockRun> map(std::uint64_t at_byte, std::uint64_t length_bytes);

    // device_write.cpp; no `content`: unmap
    void write(std::uint64_t at_byte, std::uint64_t length_bytes, const std::byte* content);

    // device_commit.cpp
    void commit_all();
    void finish_request(Durability durability);
    void close();

    // device_background.cpp
    void start_commits();
    void do_idle_work();

    DeviceCounters counters() const noexcept;

  private:
    static constexpr std::size_t stripe_count = 256;
    struct Stripe {
        std::shared_mutex mutex;
        std::unordered_map<std::uint64_t, StagedWindow> staged;
    };
    struct Counters {
        std::atomic<std::uint64_t> reads{0}, writes{0}, uncompressed{0}, compressed{0}, encoded{0},
            meta{0}, journal{0}, rewritten{0}, commits{0}, unprotected{0}, recovered{0},
            compacted{0};
    };

    Stripe& stripe_of(WindowIndex window) { return stripes_[window.value % stripe_count]; }
    Place place_of(WindowIndex window, unsigned block) const;
    void check_range(std::uint64_t at_byte, std::uint64_t length_bytes) const;
    template <class Visit>
    void for_each_part(std::uint64_t at_byte, std::uint64_t length_bytes, Visit visit) const;

    // device_read.cpp
    // The window's map as on the medium, where it is sound and no extent crosses its borders.
    std::optional<WindowMap> plain_map(WindowIndex window);
    bool starts_with_tail(WindowIndex window);
    void read_part(const WindowPart& part, ByteSpan output, Workspace& space);
    void read_unsound(const WindowPart& part, ByteSpan output);
    void read_planned(const WindowPart& part, std::span<const PlannedExtent> extents,
                      ByteSpan output, Workspace& space);
    struct Piece;
    void read_piece(WindowIndex window, const Piece& piece, ByteView in_place, std::size_t start,
                    ByteSpan output, Workspace& space);
    // Decodes all of an extent. `payload`: its payload; raw: copied.
    void decode(WindowIndex window, const PlannedExtent& extent, ByteView payload, ByteSpan output,
                Decoder& decoder) const;
    // The same of an extent wherever it is; raw or compressed.
    void content_of(WindowIndex window, const PlannedExtent& extent, ByteSpan output,
                    Workspace& space);
    std::uint64_t window_at_byte(WindowIndex window) const noexcept {
        return geometry_.block_at_byte(first_block_of(window));
    }

    // device_write.cpp
    // Work on one window's plan.
    struct Edit {
        Edit(WindowIndex edited, const StagedWindow& staged, SectorMask redo, Workspace& workspace);
        WindowPlan finish();

        WindowIndex window;
        SectorMask needed;  // sectors that a direct write must not touch
        Workspace& space;
        WindowPlan plan;
        bool patched = false;  // the content of the request is in an old extent
    };
    enum class Staging { changed, unchanged, no_room };  // no_room: commit first
    using Change = std::function<std::optional<WindowPlan>(const StagedWindow&)>;
    Staging stage_change(const WindowPart& part, const Change& change);
    StagedWindow stage(const WindowPart& part);
    void write_part(const WindowPart& part, ByteView content);
    WindowPlan change_plan(const StagedWindow& staged, const WindowPart& part, ByteView content);
    void cut(Edit& edit, const WindowPart& part, ByteView content, const PlannedExtent& extent);
    void put(Edit& edit, unsigned first, ByteView blocks);
    void place(Edit& edit, unsigned first, std::size_t content_bytes, ByteView payload);
    static void keep_raw(Edit& edit, const PlannedExtent& extent, unsigned first, unsigned end);

    // device_compact.cpp
    std::optional<WindowPlan> compact_plan(const StagedWindow& staged, WindowIndex window);
    void compact_run(Edit& edit, std::span<const PlannedExtent> run);
    bool compact_window(WindowIndex window);
    void compact(const std::function<bool()>& stop);

    // device_commit.cpp
    struct ChangedWindow;
    struct Commit;
    void check_failed();
    [[noreturn]] void fail_for_good();
    void commit(std::uint64_t sequence);
    void commit_staged();
    void collect(Commit& commit);
    static void append(RedoWriter& writer, const ChangedWindow& changed);
    void write_redo(Commit& commit);
    void write_intent(const Commit& commit);
    void apply(const Commit& commit);
    void write_meta();
    void commit_unprotected(Commit& commit);
    void forget_intents();
    void stamp_bitmap();
    void write_stamp(std::uint64_t stamp);
    void sync_store();
    SectorMask free_sectors(WindowIndex window);

    // device_background.cpp
    struct Activity {  // what had happened when it was last looked at
        std::uint64_t requests = 0;
        std::uint64_t sequence = 0;
    };
    std::uint64_t requests() const noexcept;
    bool stopping();
    void clean_when_idle();
    void punch_holes(const std::function<bool()>& stop);
    void work_in_background(Activity& seen);
    void commit_now_and_then();
    void stop_commits();

    DeviceOptions options_;
    std::unique_ptr<OverlayStore> overlay_;  // where a read-only image has an intent
    Store* store_;
    Image image_;
    Geometry geometry_;
    MetaCache meta_;
    RedoSpace space_;
    ContentCache content_;
    WindowQueue to_compact_;
    WindowQueue to_punch_;
    Workspaces workspaces_;
    std::array<Stripe, stripe_count> stripes_;
    Gate gate_;
    Counters counters_;

    std::atomic<std::uint64_t> written_sequence_{0};
    // What stands in holes may not be durable: direct payloads, what was discarded, what a killed
    // device left. An intent tells what it will replace, so they are synced before.
    std::atomic<bool> holes_unsynced_{true};
    std::mutex commit_mutex_;
    std::atomic<std::uint64_t> durable_sequence_{0};
    std::uint64_t generation_ = 0;  // of the last intent
    std::uint64_t stamp_ = 0;       // of the bitmap; 0: not yet
    std::atomic<bool> intent_pending_{false};
    std::mutex failure_mutex_;
    std::exception_ptr failure_;

    std::mutex thread_mutex_;
    std::condition_variable stop_changed_;
    bool stop_ = false;
    std::thread thread_;
};

template <class Visit>
void Device::Core::for_each_part(std::uint64_t at_byte, std::uint64_t length_bytes,
                                 Visit visit) const {
    check_range(at_byte, length_bytes);
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

}  // namespace insitu
