// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/progress_bar.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace insitu::apps {

namespace {

using namespace std::chrono_literals;

std::size_t terminal_width(int fd) {
    constexpr std::size_t fallback = 80;
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return fallback;
    return size.ws_col;
}

// A terminal that can move its cursor.
bool is_capable_terminal(const World& world) {
    const char* const kind = world.variable("TERM");
    return ::isatty(world.errors) == 1 && (kind == nullptr || std::string_view(kind) != "dumb");
}

// A job in the background leaves the terminal to the one in the foreground.
bool in_background(int fd) {
    const pid_t foreground = ::tcgetpgrp(fd);
    return foreground > 0 && foreground != ::getpgrp();
}

}  // namespace

ProgressBar::ProgressBar(std::string tool, ProgressMode mode, const World& world, FsckLines lines)
    : world_(world),
      tool_(std::move(tool)),
      lines_(std::move(lines)),
      bar_(mode == ProgressMode::always ||
           (mode == ProgressMode::automatic && is_capable_terminal(world))),
      json_(mode == ProgressMode::json),
      start_(std::chrono::steady_clock::now()),
      thread_(JoiningThread::if_possible([this] { draw_until_stopped(); })) {}

ProgressBar::~ProgressBar() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    if (json_) write_json("end");
    write_fsck_line(true);
    clear_bar();
}

void ProgressBar::begin(std::uint64_t total_bytes) noexcept {
    total_bytes_ = total_bytes;
}

void ProgressBar::advance(std::uint64_t done_bytes) noexcept {
    done_bytes_.fetch_add(done_bytes, std::memory_order_relaxed);
}

void ProgressBar::syncing() noexcept {
    syncing_ = true;
}

ProgressState ProgressBar::state() const {
    ProgressState state;
    state.total_bytes = total_bytes_;
    state.done_bytes = done_bytes_;
    // The last window of an image may reach beyond its end.
    if (state.total_bytes != 0) state.done_bytes = std::min(state.done_bytes, state.total_bytes);
    state.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    state.bytes_per_second = rate_;
    state.syncing = syncing_;
    return state;
}

// The rate forgets what lies more than some seconds back: the time left follows the medium.
void ProgressBar::update_rate() {
    constexpr double memory_seconds = 5;
    const ProgressState now = state();
    const double passed = now.seconds - rate_seconds_;
    if (passed <= 0) return;
    const double rate = static_cast<double>(now.done_bytes - rate_done_bytes_) / passed;
    const double weight = passed / std::min(memory_seconds, now.seconds);
    rate_ += std::min(weight, 1.0) * (rate - rate_);
    rate_seconds_ = now.seconds;
    rate_done_bytes_ = now.done_bytes;
}

// A terminal that became narrower has wrapped the line onto several rows.
void ProgressBar::clear_bar() {
    if (drawn_columns_ == 0) return;
    const std::size_t rows_above = (drawn_columns_ - 1) / terminal_width(world_.errors);
    world_.say(rows_above == 0 ? "\r\033[J" : fmt::format("\r\033[{}A\033[J", rows_above));
    drawn_columns_ = 0;
}

void ProgressBar::draw_bar() {
    clear_bar();
    if (in_background(world_.errors)) return;
    // The last column stays free: some terminals wrap as soon as it is filled.
    const std::string line = progress_line(state(), terminal_width(world_.errors) - 1);
    world_.say(line);
    drawn_columns_ = line.size();
}

void ProgressBar::write_json(const char* event) {
    const ProgressState now = state();
    nlohmann::ordered_json line;
    line["schema"] = "insitu-progress/1";
    line["tool"] = tool_;
    line["event"] = event;
    line["done_bytes"] = now.done_bytes;
    line["total_bytes"] = now.total_bytes != 0 ? nlohmann::ordered_json(now.total_bytes) : nullptr;
    line["bytes_per_second"] = static_cast<std::uint64_t>(now.bytes_per_second);
    line["seconds"] = now.seconds;
    line["syncing"] = now.syncing;
    world_.say(line.dump() + "\n");
}

void ProgressBar::write_fsck_line(bool is_last) {
    if (lines_.descriptor < 0) return;
    const ProgressState now = state();
    if (now.total_bytes == 0) return;
    const std::string line = fmt::format("1 {} {} {}\n", is_last ? now.total_bytes : now.done_bytes,
                                         now.total_bytes, lines_.device);
    // A reader that is gone must not end the work.
    (void)!::write(lines_.descriptor, line.data(), line.size());
}

void ProgressBar::write_line() {
    if (json_) return write_json("status");
    constexpr std::size_t plain_width = 120;
    clear_bar();
    world_.say(fmt::format("{}: {}\n", tool_, progress_line(state(), plain_width)));
}

void ProgressBar::draw_until_stopped() {
    constexpr auto tick = 100ms;
    constexpr int ticks_per_line = 5;
    int ticks = 0;
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, tick, [this] { return stopping_; })) {
        const bool asked = world_.signals->line_requested.exchange(false);
        if (asked) {
            update_rate();
            write_line();
        }
        // Nothing is drawn for work that is over in a moment.
        if (++ticks % ticks_per_line != 0) continue;
        update_rate();
        if (bar_) draw_bar();
        if (json_) write_json("progress");
        write_fsck_line(false);
    }
}

}  // namespace insitu::apps
