// SPDX-License-Identifier: GPL-2.0-or-later
#include "journal/redo_space.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "insitu/error.hpp"

namespace insitu {

namespace {

// Links take a part of each run, and each is a write of its own. Short ones are for a device that
// has few others: behind payloads of single blocks.
constexpr std::uint32_t shortest_run_sectors = 8;
constexpr std::uint32_t shortest_scarce_run_sectors = 3;
constexpr std::uint32_t shortest_cramped_run_sectors = 1;
// Below this a single request could find no room.
constexpr std::uint64_t least_room_bytes = window_bytes + block_bytes;
// What may wait for an unprotected commit.
constexpr std::uint64_t cramped_limit_bytes = std::uint64_t{4} << 20;

std::uint64_t room_in(SectorRun run) noexcept {
    return run.bytes() - run_link_bytes;
}

}  // namespace

RedoSpace::RedoSpace(const Geometry& geometry, std::uint64_t limit_bytes)
    : geometry_(geometry),
      limit_bytes_(std::max(limit_bytes, least_room_bytes)),
      wanted_bytes_(2 * limit_bytes_),
      cursor_(geometry.window_count() - 1),
      unseen_(geometry.window_count()) {}

std::uint64_t RedoSpace::first_sector_of(WindowIndex window) const {
    return geometry_.block_at_byte(first_block_of(window)) / sector_bytes;
}

WindowIndex RedoSpace::window_at(SectorRun run) const {
    return {(run.at_byte() - geometry_.data_at_byte()) / window_bytes};
}

std::uint64_t RedoSpace::Runs::room_of(WindowIndex window) const {
    const auto found = by_window.find(window.value);
    if (found == by_window.end()) return 0;
    std::uint64_t room = 0;
    for (const SectorRun run : found->second)
        room += room_in(run);
    return room;
}

std::vector<SectorRun> RedoSpace::Runs::drop(WindowIndex window) noexcept {
    room_bytes -= room_of(window);
    auto node = by_window.extract(window.value);
    return node ? std::move(node.mapped()) : std::vector<SectorRun>{};
}

void RedoSpace::Runs::set(WindowIndex window, std::vector<SectorRun> runs) noexcept {
    drop(window);
    if (runs.empty()) return;
    try {
        by_window.emplace(window.value, std::move(runs));
    } catch (const std::bad_alloc&) {
        return;  // a later search finds them
    }
    room_bytes += room_of(window);
}

SectorRun RedoSpace::Runs::take() {
    const auto last = std::prev(by_window.end());
    const SectorRun run = last->second.back();
    last->second.pop_back();
    if (last->second.empty()) by_window.erase(last);
    room_bytes -= room_in(run);
    return run;
}

void RedoSpace::offer(WindowIndex window, const SectorMask& free) {
    const std::lock_guard lock(mutex_);
    if (staged_.count(window.value) == 0) aside_.set(window, runs_of(window, free));
}

void RedoSpace::offer_committing(WindowIndex window, const SectorMask& free) {
    const std::lock_guard lock(mutex_);
    lent_.set(window, runs_of(window, free));
}

void RedoSpace::withdraw(WindowIndex window) noexcept {
    const std::lock_guard lock(mutex_);
    lent_.drop(window);
}

std::vector<SectorRun> RedoSpace::runs_of(WindowIndex window, const SectorMask& holes) const {
    const auto current = current_masks_.find(window.value);
    const SectorMask free = current == current_masks_.end() ? holes : holes - current->second;
    const std::uint32_t shortest = cramped_  ? shortest_cramped_run_sectors
                                   : scarce_ ? shortest_scarce_run_sectors
                                             : shortest_run_sectors;
    const std::uint64_t first_sector = first_sector_of(window);
    std::vector<SectorRun> runs;
    free.for_each_run([&](unsigned first, unsigned sectors) {
        if (sectors >= shortest) runs.push_back({first_sector + first, sectors});
    });
    return runs;
}

void RedoSpace::begin_search(std::uint64_t most_windows, std::uint64_t most_again) {
    const std::lock_guard lock(mutex_);
    budget_ = std::min(geometry_.window_count(), most_windows);
    if (unseen_ == 0 && !cramped_) budget_ = std::min(budget_, most_again);
    if (aside_.room_bytes >= wanted_bytes_ / 2 + least_room_bytes) budget_ = 0;
}

std::optional<WindowIndex> RedoSpace::next_candidate() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t wanted = cramped_ ? 2 * least_room_bytes : wanted_bytes_;
    while (budget_ != 0 && aside_.room_bytes < wanted) {
        --budget_;
        if (unseen_ != 0) --unseen_;
        const WindowIndex window{cursor_};
        cursor_ = cursor_ == 0 ? geometry_.window_count() - 1 : cursor_ - 1;
        if (cramped_ || aside_.by_window.count(window.value) == 0) return window;
    }
    return std::nullopt;
}

void RedoSpace::end_search() {
    const std::lock_guard lock(mutex_);
    budget_ = 0;
    // From now on short holes count: another tour finds them.
    if (!scarce_ && unseen_ == 0 && aside_.room_bytes < limit_bytes_ / 4) {
        scarce_ = true;
        unseen_ = geometry_.window_count();
    }
    cramped_ = aside_.room_bytes < 2 * least_room_bytes;
}

void RedoSpace::use(const Change& change) {
    if (change.first_change) {
        staged_.insert(change.window.value);
        aside_.drop(change.window);
    }
    used_bytes_ += change.bytes;
}

RedoSpace::Admission RedoSpace::admit(const Change& change) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t lost = change.first_change ? aside_.room_of(change.window) : 0;
    const std::uint64_t waiting = used_bytes_ + committing_bytes_;
    if (!cramped_) {
        const std::uint64_t room = aside_.room_bytes - lost;
        const bool is_alone = waiting == 0 && change.bytes <= room;
        if (is_alone || waiting + change.bytes <= std::min(room, limit_bytes_)) {
            room_promised_ = true;
            use(change);
            return Admission::admitted;
        }
        if (waiting != 0) return Admission::commit_first;
        cramped_ = true;
    }
    if (waiting != 0) {
        const bool takes_promised_room = room_promised_ && lost != 0;
        if (takes_promised_room || waiting + change.bytes > cramped_limit_bytes) {
            return Admission::commit_first;
        }
    }
    if (change.journal == Journal::required &&
        most_room_without(change.window) < change.all_bytes) {
        return Admission::no_room;
    }
    use(change);
    if (change.journal == Journal::needless) return Admission::admitted;
    room_promised_ = true;
    return Admission::admitted_risky;
}

// What was promised to what waited is kept.
void RedoSpace::see_whether_all_is_done() {
    if (used_bytes_ + committing_bytes_ == 0) room_promised_ = false;
}

void RedoSpace::release(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    used_bytes_ -= bytes;
    see_whether_all_is_done();
}

void RedoSpace::unstaged(WindowIndex window) noexcept {
    const std::lock_guard lock(mutex_);
    staged_.erase(window.value);
    // Only its commit could have used them; now they are holes as any others.
    auto lent = lent_.drop(window);
    if (!lent.empty()) aside_.set(window, std::move(lent));
}

void RedoSpace::move_to_commit(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    used_bytes_ -= bytes;
    committing_bytes_ += bytes;
}

void RedoSpace::committed(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    committing_bytes_ -= bytes;
    see_whether_all_is_done();
}

void RedoSpace::aborted(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    committing_bytes_ -= bytes;
    used_bytes_ += bytes;
}

std::uint64_t RedoSpace::waiting_bytes() const {
    const std::lock_guard lock(mutex_);
    return used_bytes_ + committing_bytes_;
}

bool RedoSpace::cramped() const {
    const std::lock_guard lock(mutex_);
    return cramped_;
}

std::uint64_t RedoSpace::room_bytes() const {
    const std::lock_guard lock(mutex_);
    return aside_.room_bytes + lent_.room_bytes;
}

// If nothing of the current stream were needed any more and the holes of this window could not be
// used.
std::uint64_t RedoSpace::most_room_without(WindowIndex window) const {
    std::uint64_t room = aside_.room_bytes - aside_.room_of(window);
    for (const SectorRun run : current_) {
        const WindowIndex place = window_at(run);
        if (place != window && staged_.count(place.value) == 0) room += room_in(run);
    }
    return room;
}

SectorMask RedoSpace::current(WindowIndex window) const {
    const std::lock_guard lock(mutex_);
    const auto found = current_masks_.find(window.value);
    return found == current_masks_.end() ? SectorMask{} : found->second;
}

SectorRun RedoSpace::take() {
    const std::lock_guard lock(mutex_);
    Runs& runs = aside_.by_window.empty() ? lent_ : aside_;
    if (runs.by_window.empty()) {
        throw Error(ErrorKind::refused, {}, "no room is left for the redo stream of a commit");
    }
    taken_.reserve(taken_.size() + 1);
    taken_.push_back(runs.take());
    return taken_.back();
}

void RedoSpace::untake() noexcept {
    const std::lock_guard lock(mutex_);
    for (const SectorRun run : taken_) {
        const WindowIndex window = window_at(run);
        if (staged_.count(window.value) != 0) continue;
        auto runs = aside_.drop(window);
        try {
            runs.push_back(run);
        } catch (const std::bad_alloc&) {
            // A later search finds it.
        }
        aside_.set(window, std::move(runs));
    }
    taken_.clear();
}

std::vector<WindowIndex> RedoSpace::set_current(std::vector<SectorRun>& runs) {
    std::unordered_map<std::uint64_t, SectorMask> masks;
    for (const SectorRun run : runs) {
        const WindowIndex window = window_at(run);
        const std::uint64_t first = run.first_sector - first_sector_of(window);
        masks[window.value].add(static_cast<unsigned>(first), run.sectors);
    }
    std::vector<WindowIndex> windows;
    if (aside_.room_bytes < wanted_bytes_) {
        for (const SectorRun run : current_) {
            const WindowIndex window = window_at(run);
            if (windows.empty() || windows.back() != window) windows.push_back(window);
        }
    }
    current_ = std::move(runs);
    runs.clear();
    current_masks_ = std::move(masks);
    return windows;
}

std::vector<WindowIndex> RedoSpace::make_current() {
    const std::lock_guard lock(mutex_);
    return set_current(taken_);
}

std::vector<WindowIndex> RedoSpace::release_current() {
    const std::lock_guard lock(mutex_);
    std::vector<SectorRun> none;
    return set_current(none);
}

}  // namespace insitu
