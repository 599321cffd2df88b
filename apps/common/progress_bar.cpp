#include "common/progress_bar.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/sizes.hpp"

namespace insitu::apps {

namespace {

using namespace std::chrono_literals;

std::atomic<bool> line_requested{false};

void write_stderr(std::string_view text) {
    // A closed or full stderr must not end the work.
    (void)!::write(STDERR_FILENO, text.data(), text.size());
}

std::size_t terminal_width() {
    constexpr std::size_t fallback = 80;
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return fallback;
    return size.ws_col;
}

std::string clock_text(double seconds) {
    const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
    if (whole >= 3600) {
        return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
    }
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

ProgressBar::ProgressBar(std::string tool, ProgressMode mode)
    : tool_(std::move(tool)),
      bar_(mode == ProgressMode::always ||
           (mode == ProgressMode::automatic && ::isatty(STDERR_FILENO) == 1)),
      json_(mode == ProgressMode::json),
      start_(std::chrono::steady_clock::now()),
      thread_([this](const std::stop_token& stop) { draw_until_stopped(stop); }) {}

ProgressBar::~ProgressBar() {
    thread_.request_stop();
    thread_.join();
    if (json_) write_json("end");
    if (drawn_) write_stderr("\r\033[K");
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

void ProgressBar::request_line() noexcept {
    line_requested = true;
}

double ProgressBar::seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

std::string ProgressBar::status_line(std::size_t width) const {
    const std::uint64_t total = total_bytes_;
    const std::uint64_t done =
        total != 0 ? std::min(done_bytes_.load(), total) : done_bytes_.load();
    const double elapsed = seconds();
    const double rate = elapsed > 0 ? static_cast<double>(done) / elapsed : 0;
    std::string text = human_bytes(done);
    if (total != 0) text += fmt::format(" of {}", human_bytes(total));
    text += fmt::format("  {}/s", human_bytes(static_cast<std::uint64_t>(rate)));
    if (syncing_ && done >= total) {
        text += "  syncing";
    } else if (total > done && rate > 0) {
        text += fmt::format("  {} left", clock_text(static_cast<double>(total - done) / rate));
    }
    if (total == 0) return text.substr(0, width);
    const auto share = static_cast<double>(done) / static_cast<double>(total);
    const std::string head = fmt::format("{:3.0f} % ", 100 * share);
    constexpr std::size_t frame = 4;  // brackets and two spaces
    constexpr std::size_t shortest_bar = 8;
    constexpr std::size_t longest_bar = 40;
    std::string bar;
    if (width >= head.size() + text.size() + frame + shortest_bar) {
        const std::size_t cells = std::min(longest_bar, width - head.size() - text.size() - frame);
        const auto filled = static_cast<std::size_t>(share * static_cast<double>(cells));
        bar = fmt::format("[{}{}] ", std::string(filled, '#'), std::string(cells - filled, ' '));
    }
    return (head + bar + text).substr(0, width);
}

void ProgressBar::draw_bar() {
    const std::size_t width = terminal_width();
    write_stderr("\r\033[K" + status_line(width > 1 ? width - 1 : 1));
    drawn_ = true;
}

void ProgressBar::write_json(const char* event) {
    nlohmann::ordered_json line;
    line["tool"] = tool_;
    line["event"] = event;
    line["done_bytes"] = done_bytes_.load();
    line["total_bytes"] = total_bytes_.load();
    line["seconds"] = seconds();
    write_stderr(line.dump() + "\n");
}

void ProgressBar::draw_until_stopped(const std::stop_token& stop) {
    constexpr auto tick = 100ms;
    constexpr int ticks_per_line = 5;
    int ticks = 0;
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, stop, tick, [&stop] { return stop.stop_requested(); })) {
        if (line_requested.exchange(false)) {
            constexpr std::size_t plain_width = 120;
            write_stderr(fmt::format("{}{}: {}\n", drawn_ ? "\r\033[K" : "", tool_,
                                     status_line(plain_width)));
        }
        // Nothing is drawn for work that is over in a moment.
        if (++ticks % ticks_per_line != 0) continue;
        if (bar_) draw_bar();
        if (json_) write_json("progress");
    }
}

}  // namespace insitu::apps
