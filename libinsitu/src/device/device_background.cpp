#include "device/device_core.hpp"

// The thread that commits every commit delay, and uses the time in which nothing is asked for.
namespace insitu {

std::uint64_t Device::Core::requests() const noexcept {
    return counters_.reads + counters_.writes;
}

bool Device::Core::stopping() {
    const std::lock_guard lock(thread_mutex_);
    return stop_;
}

// An image that was left alone for a commit delay is an ordinary one.
void Device::Core::clean_when_idle() {
    const std::lock_guard commit_lock(commit_mutex_);
    const ClosedGate closed(gate_);
    if (durable_sequence_ == written_sequence_) forget_intents();
}

// Gives the host back what is in holes: old payloads and redo streams. Where no intent is pending,
// what is in place is durable, and nothing else is needed.
void Device::Core::punch_holes(const std::function<bool()>& stop) {
    while (!stop()) {
        const auto window = to_punch_.take();
        if (!window) return;
        const InsideGate inside(gate_);
        const std::unique_lock lock(stripe_of(*window).mutex);
        if (intent_pending_) return to_punch_.add(*window);
        const SectorMask free = free_sectors(*window);
        const auto free_block = [&](unsigned block) {
            const SectorMask sectors = sector_range(block * sectors_per_block, sectors_per_block);
            return (free & sectors) == sectors;
        };
        for (unsigned first = 0; first < window_blocks; ++first) {
            unsigned end = first;
            while (end < window_blocks && free_block(end))
                ++end;
            if (end == first) continue;
            store_->discard(window_at_byte(*window) + first * block_bytes,
                            (end - first) * block_bytes);
            first = end;
        }
        holes_unsynced_ = true;
    }
}

void Device::Core::do_idle_work() {
    const auto never = [] { return false; };
    compact(never);
    commit_all();
    clean_when_idle();
    punch_holes(never);
}

void Device::Core::work_in_background(Activity& seen) {
    const std::uint64_t sequence = written_sequence_;
    const std::uint64_t asked = requests();
    const auto stop = [&] { return stopping() || requests() != asked; };
    if (durable_sequence_ < sequence) {
        commit(sequence);
    } else if (asked == seen.requests) {
        compact(stop);
    }
    if (intent_pending_ && sequence == seen.sequence) clean_when_idle();
    if (!intent_pending_) punch_holes(stop);
    seen = {asked, sequence};
}

void Device::Core::commit_now_and_then() {
    Activity seen;
    std::unique_lock lock(thread_mutex_);
    while (!stop_changed_.wait_for(lock, options_.commit_delay, [&] { return stop_; })) {
        lock.unlock();
        try {
            work_in_background(seen);
        } catch (...) {
            // What is staged stays staged, and a device that failed stays failed: the next flush
            // meets the error.
        }
        lock.lock();
    }
}

void Device::Core::start_commits() {
    if (options_.access == Access::read || thread_.joinable()) return;
    thread_ = std::thread([this] { commit_now_and_then(); });
}

void Device::Core::stop_commits() {
    {
        const std::lock_guard lock(thread_mutex_);
        stop_ = true;
    }
    stop_changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

}  // namespace insitu
