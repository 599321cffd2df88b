// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/background.hpp"

#include <new>

#include "insitu/error.hpp"

namespace insitu {

namespace {

// Whether that was possible: there may be no memory for the text.
bool warn_of(const std::exception& error, const DeviceOptions& options) try {
    if (!options.warn) return true;
    const std::string text = std::string("a commit in the background failed: ") + error.what();
    const auto* known = dynamic_cast<const Error*>(&error);
    if (known != nullptr && is_full_disk(*known)) {
        options.warn(DeviceWarning::full_disk, text + " (" + full_disk_hint + ")");
    } else {
        options.warn(DeviceWarning::failed_commit, text);
    }
    return true;
} catch (const std::bad_alloc&) {
    return false;
}

}  // namespace

bool Background::stopping() {
    const std::lock_guard lock(mutex_);
    return stop_;
}

void Background::wake() {
    {
        const std::lock_guard lock(mutex_);
        if (commit_soon_) return;
        commit_soon_ = true;
    }
    changed_.notify_all();
}

void Background::written(WindowIndex window) {
    if (options_.compaction == Compaction::idle) to_compact_.add(window);
}

void Background::compact(const std::function<bool()>& stop) {
    while (!stop()) {
        const auto window = to_compact_.take();
        if (!window) break;
        try {
            if (committer_.compact(*window)) ++counters_.compacted;
        } catch (const Error& error) {
            // What cannot be read stays as it is; whoever reads it is told.
            if (error.kind() != ErrorKind::damaged && error.kind() != ErrorKind::io) throw;
        }
    }
}

void Background::punch(const std::function<bool()>& stop) {
    while (!stop() && committer_.punch_next()) {
    }
}

void Background::do_idle_work() {
    const auto never = [] { return false; };
    compact(never);
    committer_.commit_all();
    committer_.clean_if_durable();
    punch(never);
}

void Background::work(Activity& seen) {
    const std::uint64_t sequence = staging_.sequence();
    const std::uint64_t asked = requests();
    const auto stop = [&] { return stopping() || requests() != asked; };
    const bool is_idle = asked == seen.requests;
    if (!committer_.is_durable(sequence)) {
        committer_.commit(sequence);
    } else if (is_idle) {
        compact(stop);
        committer_.commit_all();
    }
    // An image that was left alone for a commit delay is an ordinary one.
    if (is_idle && sequence == seen.sequence) {
        committer_.clean_if_durable();
        staging_.blocks().trim();
    }
    punch(stop);
    seen = {asked, sequence};
}

void Background::run() {
    Activity seen;
    bool has_failed = false;
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait_for(lock, options_.commit_delay, [&] { return stop_ || commit_soon_; });
        if (stop_) return;
        commit_soon_ = false;
        lock.unlock();
        try {
            work(seen);
            has_failed = false;
        } catch (const std::exception& error) {
            // What is staged stays staged, and a device that failed stays failed: the next flush
            // meets the error. Its owner hears of it once.
            if (!has_failed) has_failed = warn_of(error, options_);
        }
        lock.lock();
    }
}

void Background::start() {
    if (options_.access == Access::read || thread_.joinable()) return;
    thread_ = std::thread([this] { run(); });
}

void Background::stop() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

}  // namespace insitu
