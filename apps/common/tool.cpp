// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/tool.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>

#include "common/choices.hpp"
#include "common/help.hpp"
#include "common/printable.hpp"
#include "common/usage_text.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/store/stop_scope.hpp"

namespace insitu::apps {

namespace {

constexpr unsigned most_threads = 1024;

}  // namespace

Tool::Tool(World world, std::string name, const std::string& description)
    : world_(std::move(world)),
      name_(std::move(name)),
      cli_(std::make_unique<CLI::App>(description, name_)) {
    cli_->formatter(std::make_shared<HelpFormatter>());
    cli_->footer(name_ + "(8) has more, and examples.");
    cli_->set_help_flag("-h,--help", "Print this help and exit");
    cli_->set_version_flag("--version", name_ + " " INSITU_VERSION, "Print the version and exit");
    cli_->add_option("-j,--threads", common_.threads,
                     "Worker threads (0, the default: the CPUs this process may use)")
        ->type_name("N")
        ->check(number_from(0, most_threads));
    cli_->add_flag("-q,--quiet", common_.quiet, "Print nothing but errors");
    cli_->add_flag("-v,--verbose", common_.verbose, "Print more");
}

Tool::~Tool() = default;

void Tool::add_json_option() {
    cli_->add_flag("--json", common_.json, "Print the report as one JSON document");
}

void Tool::add_progress_option(Prints prints) {
    prints_data_ = prints == Prints::data;
    add_choice<ProgressMode>(*cli_, "--progress", common_.progress,
                             "Progress on stderr: auto, always, never or json (default: auto)",
                             "WHEN",
                             {{"auto", ProgressMode::automatic},
                              {"always", ProgressMode::always},
                              {"never", ProgressMode::never},
                              {"json", ProgressMode::json}});
}

void Tool::set_fsck_progress(int descriptor, const std::string& device) {
    if (descriptor == 0) {
        common_.progress = ProgressMode::always;
    } else {
        fsck_lines_ = {descriptor, device};
    }
}

void Tool::add_force_share_option() {
    cli_->add_flag("--force-share", force_share_,
                   "Read even while another program writes: results may be inconsistent");
}

Control Tool::control() {
    ProgressMode mode = common_.progress;
    const bool in_the_way = common_.quiet || (prints_data_ && ::isatty(world_.output_fd()) == 1);
    if (mode == ProgressMode::automatic && in_the_way) mode = ProgressMode::never;
    if (!bar_) bar_ = std::make_unique<ProgressBar>(name_, mode, world_, fsck_lines_);
    return {common_.threads, &world_.signals->stop, bar_.get()};
}

const StopFlag* Tool::stop() const noexcept {
    return &world_.signals->stop;
}

double Tool::seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

std::string Tool::threads_text() const {
    return fmt::format("{:<12}{}\n", "threads",
                       common_.threads != 0 ? common_.threads : available_processors());
}

void Tool::note(const std::string& text) const {
    if (!common_.quiet) complain(text);
}

void Tool::complain(const std::string& text) const {
    world_.say(fmt::format("{}: {}\n", name_, printable_lines(text)));
}

void Tool::complain(const Error& error) const {
    complain(std::string(error.what()));
    if (!error.hint().empty()) world_.say(fmt::format("hint: {}\n", printable_lines(error.hint())));
}

void Tool::print(std::string_view text) const {
    if (std::fwrite(text.data(), 1, text.size(), world_.output) != text.size()) {
        throw io_error({.file = "standard output"}, "cannot write", errno);
    }
}

void Tool::flush() const {
    if (std::fflush(world_.output) == 0) return;
    throw io_error({.file = "standard output"}, "cannot write", errno);
}

void Tool::print_json(const Json& document) const {
    Json full;
    full["schema"] = name_ + "/1";
    full.update(document);
    put_report(json_text(full, 2) + "\n");
}

void Tool::print_report(std::string_view text) const {
    put_report(printable_lines(text));
}

void Tool::put_report(std::string_view text) const {
    if (!stdout_is_data_) return print(text);
    world_.say(text);
}

int Tool::fail(const Error& error) const {
    // Opening a FIFO waits for the other end, and a signal ends that.
    const bool stopped = error.kind() == ErrorKind::cancelled || error.os_error() == EINTR;
    const int stop_signal = world_.signals->stop_signal;
    if (stopped && stop_signal != 0) {
        if (!last_words_.empty()) complain(last_words_);
        return exits_.cancelled != 0 ? exits_.cancelled : 128 + stop_signal;
    }
    if (error.os_error() == EPIPE) return exits_.failed;
    complain(std::string(error.what()));
    if (!last_words_.empty()) complain(last_words_);
    if (!error.hint().empty()) world_.say(fmt::format("hint: {}\n", printable_lines(error.hint())));
    return exits_.failed;
}

// There may be no memory for the message either.
int Tool::give_up(const std::exception& error) noexcept {
    try {
        const bool is_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
        end_progress();
        complain(std::string(is_memory ? "out of memory" : error.what()));
        if (!last_words_.empty()) complain(last_words_);
    } catch (const std::exception&) {
        world_.say(name_);
        world_.say(": out of memory\n");
    }
    return exits_.failed;
}

// An empty value comes from a script whose variable is empty. It is not to be taken for an option
// that was not given: the check that was asked for would be left out.
void Tool::refuse_empty_values() const {
    for (const CLI::Option* option : cli_->get_options()) {
        // A file without a name fails by itself.
        const bool is_file = option->get_required() && !option->nonpositional();
        if (is_file || option->get_type_name() == label_type) continue;
        const auto& values = option->results();
        if (std::find(values.begin(), values.end(), std::string()) != values.end())
            throw CLI::ValidationError(option->get_name(), "needs a value, and '' is none");
    }
}

int Tool::guarded(const std::function<int()>& work) {
    const StopScope scope([signals = world_.signals] { return signals->stop.requested(); });
    try {
        const int status = work();
        end_progress();
        if (!output_abandoned_) flush();
        return status;
    } catch (const CLI::ParseError&) {
        throw;
    } catch (const Error& error) {
        end_progress();
        return fail(error);
    } catch (const std::exception& error) {
        return give_up(error);
    }
}

int Tool::run(int argc, char** argv, const std::function<int()>& work) {
    try {
        cli_->parse(argc, argv);
        refuse_empty_values();
        return guarded(work);
    } catch (const CLI::CallForHelp&) {
        return guarded([&] { return print(cli_->help()), exit_done; });
    } catch (const CLI::CallForVersion& version) {
        return guarded([&] { return print(std::string(version.what()) + "\n"), exit_done; });
    } catch (const CLI::ParseError& error) {
        complain(
            usage_text(error, *cli_, std::span(argv, static_cast<std::size_t>(argc)).subspan(1)));
        world_.say(fmt::format("hint: {} --help lists the options\n", name_));
        return exits_.usage;
    }
}

}  // namespace insitu::apps
