#include "device/redo_space.hpp"

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

RedoSpace::RedoSpace(const Geometry& geometry, std::uint64_t limit_bytes, FreeSectors free_sectors)
    : geometry_(geometry),
      limit_bytes_(std::max(limit_bytes, least_room_bytes)),
      wanted_bytes_(2 * limit_bytes_),
      free_sectors_(std::move(free_sectors)),
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

void RedoSpace::offer(WindowIndex window) {
    drop(window);
    const SectorMask free = free_sectors_(window) & ~current(window);
    const std::uint64_t first = first_sector_of(window);
    std::vector<SectorRun> runs;
    for (std::uint32_t at = 0; at < longest_run_sectors;) {
        std::uint32_t end = at;
        while (end < longest_run_sectors && free.test(end))
            ++end;
        if (end - at >= shortest_run_sectors) {
            runs.push_back({first + at, end - at});
            room_bytes_ += room_in(runs.back());
        }
        at = end + 1;
    }
    if (!runs.empty()) aside_[window.value] = std::move(runs);
}

void RedoSpace::refill(std::uint64_t most_windows) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t count = geometry_.window_count();
    if (room_bytes_ < wanted_bytes_ / 2 + least_room_bytes) {
        const std::uint64_t limit = std::min(count, most_windows);
        for (std::uint64_t i = 0; i < limit && room_bytes_ < wanted_bytes_; ++i) {
            const WindowIndex window{cursor_};
            cursor_ = cursor_ == 0 ? count - 1 : cursor_ - 1;
            if (aside_.count(window.value) == 0) offer(window);
        }
    }
    cramped_ = room_bytes_ < 2 * least_room_bytes;
}

bool RedoSpace::admit(WindowIndex window, bool newly, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t lost = newly ? room_of(window) : 0;
    const std::uint64_t room =
        cramped_ ? cramped_limit_bytes : std::min(room_bytes_ - lost, limit_bytes_);
    if (used_bytes_ != 0 && used_bytes_ + bytes > room) return false;
    if (newly) drop(window);
    used_bytes_ += bytes;
    return true;
}

void RedoSpace::adjust(std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    used_bytes_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(used_bytes_) + bytes);
}

bool RedoSpace::sufficient() const {
    const std::lock_guard lock(mutex_);
    return used_bytes_ <= room_bytes_;
}

SectorMask RedoSpace::current(WindowIndex window) const {
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
        aside_[window_at(run).value].push_back(run);
        room_bytes_ += room_in(run);
    }
    taken_.clear();
}

void RedoSpace::set_current(std::vector<SectorRun> runs) {
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
    for (const SectorRun run : old) {
        if (room_bytes_ < wanted_bytes_) offer(window_at(run));
    }
}

void RedoSpace::make_current() {
    const std::lock_guard lock(mutex_);
    set_current(std::move(taken_));
    taken_.clear();
}

void RedoSpace::release_current() {
    const std::lock_guard lock(mutex_);
    set_current({});
}

void RedoSpace::reset_used() {
    const std::lock_guard lock(mutex_);
    used_bytes_ = 0;
}

}  // namespace insitu
