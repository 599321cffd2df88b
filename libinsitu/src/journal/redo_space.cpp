#include "journal/redo_space.hpp"

#include <algorithm>

#include "insitu/error.hpp"

namespace insitu {

namespace {

constexpr std::uint32_t shortest_run_sectors = 8;
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
      cursor_(geometry.window_count() - 1) {}

std::uint64_t RedoSpace::first_sector_of(WindowIndex window) const {
    return geometry_.block_at_byte(first_block_of(window)) / sector_bytes;
}

WindowIndex RedoSpace::window_at(SectorRun run) const {
    return {(run.at_byte() - geometry_.data_at_byte()) / window_bytes};
}

std::uint64_t RedoSpace::room_of(WindowIndex window) const {
    const auto found = aside_.find(window.value);
    if (found == aside_.end()) return 0;
    std::uint64_t room = 0;
    for (const SectorRun run : found->second)
        room += room_in(run);
    return room;
}

void RedoSpace::drop(WindowIndex window) {
    room_bytes_ -= room_of(window);
    aside_.erase(window.value);
}

void RedoSpace::offer(WindowIndex window, const SectorMask& free) {
    const std::lock_guard lock(mutex_);
    if (staged_.count(window.value) == 0) set_aside(window, free);
}

void RedoSpace::offer_committing(WindowIndex window, const SectorMask& free) {
    const std::lock_guard lock(mutex_);
    set_aside(window, free);
}

void RedoSpace::withdraw(WindowIndex window) {
    const std::lock_guard lock(mutex_);
    drop(window);
}

void RedoSpace::set_aside(WindowIndex window, const SectorMask& holes) {
    drop(window);
    const auto current = current_masks_.find(window.value);
    const SectorMask free = current == current_masks_.end() ? holes : holes & ~current->second;
    // Links take a part of each run: short ones are for a device that has little else.
    const std::uint32_t shortest = cramped_ ? 1 : shortest_run_sectors;
    const std::uint64_t first = first_sector_of(window);
    std::vector<SectorRun> runs;
    for (std::uint32_t at = 0; at < longest_run_sectors;) {
        std::uint32_t end = at;
        while (end < longest_run_sectors && free.test(end))
            ++end;
        if (end - at >= shortest) {
            runs.push_back({first + at, end - at});
            room_bytes_ += room_in(runs.back());
        }
        at = end + 1;
    }
    if (!runs.empty()) aside_[window.value] = std::move(runs);
}

void RedoSpace::begin_search(std::uint64_t most_windows) {
    const std::lock_guard lock(mutex_);
    budget_ = std::min(geometry_.window_count(), most_windows);
    if (room_bytes_ >= wanted_bytes_ / 2 + least_room_bytes) budget_ = 0;
}

std::optional<WindowIndex> RedoSpace::next_candidate() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t wanted = cramped_ ? 2 * least_room_bytes : wanted_bytes_;
    while (budget_ != 0 && room_bytes_ < wanted) {
        --budget_;
        const WindowIndex window{cursor_};
        cursor_ = cursor_ == 0 ? geometry_.window_count() - 1 : cursor_ - 1;
        if (cramped_ || aside_.count(window.value) == 0) return window;
    }
    return std::nullopt;
}

void RedoSpace::end_search() {
    const std::lock_guard lock(mutex_);
    budget_ = 0;
    cramped_ = room_bytes_ < 2 * least_room_bytes;
}

bool RedoSpace::admit(WindowIndex window, bool newly, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t lost = newly ? room_of(window) : 0;
    const std::uint64_t room =
        cramped_ ? cramped_limit_bytes : std::min(room_bytes_ - lost, limit_bytes_);
    const std::uint64_t waiting = used_bytes_ + committing_bytes_;
    if (waiting != 0 && waiting + bytes > room) return false;
    if (newly) {
        drop(window);
        staged_.insert(window.value);
    }
    used_bytes_ += bytes;
    return true;
}

void RedoSpace::release(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    used_bytes_ -= bytes;
}

void RedoSpace::unstaged(WindowIndex window) {
    const std::lock_guard lock(mutex_);
    staged_.erase(window.value);
}

void RedoSpace::move_to_commit(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    used_bytes_ -= bytes;
    committing_bytes_ += bytes;
}

void RedoSpace::committed(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    committing_bytes_ -= bytes;
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
    return room_bytes_;
}

std::uint64_t RedoSpace::most_room_without(WindowIndex window) const {
    const std::lock_guard lock(mutex_);
    std::uint64_t room = room_bytes_ - room_of(window);
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
    if (aside_.empty()) {
        throw Error(ErrorKind::refused, {}, "no room is left for the redo stream of a commit");
    }
    const auto place = std::prev(aside_.end());
    const SectorRun run = place->second.back();
    place->second.pop_back();
    if (place->second.empty()) aside_.erase(place);
    room_bytes_ -= room_in(run);
    taken_.push_back(run);
    return run;
}

void RedoSpace::untake() {
    const std::lock_guard lock(mutex_);
    for (const SectorRun run : taken_) {
        if (staged_.count(window_at(run).value) != 0) continue;
        aside_[window_at(run).value].push_back(run);
        room_bytes_ += room_in(run);
    }
    taken_.clear();
}

std::vector<WindowIndex> RedoSpace::set_current(std::vector<SectorRun> runs) {
    const std::vector<SectorRun> old = std::move(current_);
    current_ = std::move(runs);
    current_masks_.clear();
    for (const SectorRun run : current_) {
        const WindowIndex window = window_at(run);
        const std::uint64_t first = run.first_sector - first_sector_of(window);
        SectorMask& mask = current_masks_[window.value];
        for (std::uint64_t i = 0; i < run.sectors; ++i)
            mask.set(first + i);
    }
    std::vector<WindowIndex> windows;
    if (room_bytes_ >= wanted_bytes_) return windows;
    for (const SectorRun run : old) {
        const WindowIndex window = window_at(run);
        if (windows.empty() || windows.back() != window) windows.push_back(window);
    }
    return windows;
}

std::vector<WindowIndex> RedoSpace::make_current() {
    const std::lock_guard lock(mutex_);
    auto windows = set_current(std::move(taken_));
    taken_.clear();
    return windows;
}

std::vector<WindowIndex> RedoSpace::release_current() {
    const std::lock_guard lock(mutex_);
    return set_current({});
}

}  // namespace insitu
