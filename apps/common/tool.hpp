// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/exit_status.hpp"
#include "common/progress_bar.hpp"
#include "common/world.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/store/block_device.hpp"

namespace CLI {
class App;  // Whoever adds options includes <CLI/CLI.hpp>: seconds of a compiler's time.
}

namespace insitu::apps {

using Json = nlohmann::ordered_json;

// Options that every tool has.
struct CommonOptions {
    unsigned threads = 0;
    bool quiet = false;
    bool verbose = false;
    bool json = false;
    ProgressMode progress = ProgressMode::automatic;
};

// What a tool returns where it does not get to its end. After SIGINT, SIGTERM or SIGHUP: 128 and
// the signal, unless `cancelled` is set.
struct ExitStatuses {
    int failed = exit_failed;
    int usage = exit_usage;
    int cancelled = 0;
};

// The frame of a tool: common options, messages, exit status. A tool makes one of the world that it
// was given, adds its own options to cli(), and hands its work to run().
class Tool {
  public:
    Tool(World world, std::string name, const std::string& description);
    ~Tool();
    Tool(const Tool&) = delete;
    Tool& operator=(const Tool&) = delete;

    CLI::App& cli() noexcept { return *cli_; }
    const World& world() const noexcept { return world_; }
    const CommonOptions& common() const noexcept { return common_; }
    void add_json_option();
    // A bar would get between data that a tool prints on the same terminal.
    enum class Prints { report, data };
    void add_progress_option(Prints prints = Prints::report);
    // -C of fsck(8): lines of progress to a descriptor; to 0: the bar.
    void set_fsck_progress(int descriptor, const std::string& device);
    // --force-share and --ignore-size of the tools that read images.
    Sharing sharing() const noexcept { return force_share_ ? Sharing::shared : Sharing::exclusive; }
    void add_force_share_option();

    void set_exit_statuses(const ExitStatuses& statuses) noexcept { exits_ = statuses; }

    // Parses, then calls `work`, whose result is the exit status. Errors become messages.
    int run(int argc, char** argv, const std::function<int()>& work);

    // For operations of the library: threads, stop on SIGINT, SIGTERM and SIGHUP, progress.
    Control control();
    const StopFlag* stop() const noexcept;
    // Ends the bar, so that a report can be printed.
    void end_progress() { bar_.reset(); }
    double seconds() const;
    // How many threads work, as a line of a report.
    std::string threads_text() const;

    // A line on stderr, unless -q.
    void note(const std::string& text) const;
    // A line on stderr with the tool's name, always.
    void complain(const std::string& text) const;
    // An error, and what may help.
    void complain(const Error& error) const;
    // Another such line, behind the message of a failure, also of a stop; empty: none any more.
    void say_on_failure(std::string text) { last_words_ = std::move(text); }
    // What a failure from here on is, of which a part is already known.
    void set_failed_status(int status) noexcept { exits_.failed = status; }
    // Writes data to stdout as it is; failure is an `io` Error at the latest when the tool ends.
    void print(std::string_view text) const;
    // The report for people: to stderr if stdout carries data. No name in it reaches the terminal
    // as control characters.
    void print_report(std::string_view text) const;
    // From here on stdout carries data, and reports go to stderr.
    void set_stdout_is_data() noexcept { stdout_is_data_ = true; }
    // Brings what was printed to stdout; throws an `io` Error.
    void flush() const;
    // What was printed and is not written yet is given up: the exit status does not depend on it.
    void abandon_output() noexcept { output_abandoned_ = true; }
    // Prints a JSON document with its schema.
    void print_json(const Json& document) const;

  private:
    void refuse_empty_values() const;
    int guarded(const std::function<int()>& work);
    int fail(const Error& error) const;
    int give_up(const std::exception& error) noexcept;
    void put_report(std::string_view text) const;

    World world_;

  protected:
    std::string name_;

  private:
    std::unique_ptr<CLI::App> cli_;
    CommonOptions common_;
    ExitStatuses exits_;
    std::string last_words_;
    bool force_share_ = false;
    bool prints_data_ = false;
    bool stdout_is_data_ = false;
    bool output_abandoned_ = false;
    ProgressBar::FsckLines fsck_lines_{-1, {}};
    std::unique_ptr<ProgressBar> bar_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace insitu::apps
