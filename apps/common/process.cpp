// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <sstream>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

namespace {

constexpr int signal_base = 128;
std::atomic<pid_t> running_child{0};

class Spawn {
  public:
    Spawn() {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
    }
    ~Spawn() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    Spawn(const Spawn&) = delete;
    Spawn& operator=(const Spawn&) = delete;

    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (std::string& text : texts)
        list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

// What a program is to know of the user's surroundings: where programs, libraries and scratch
// space are, and what fakeroot(1) needs. Not the language, the time zone or a configuration.
std::vector<std::string> clean_environment(const Command& command) {
    constexpr std::array kept{
        "PATH=", "TMPDIR=", "LD_LIBRARY_PATH=", "LD_PRELOAD=", "FAKEROOT", "FAKED_"};
    std::vector<std::string> result{"LC_ALL=C", "TZ=UTC0", "HOME=/nonexistent"};
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        for (const char* const name : kept) {
            if (text.starts_with(name)) result.push_back(text);
        }
    }
    for (const std::string& own : command.environment) {
        std::erase_if(result, [&](const std::string& text) {
            return text.starts_with(own.substr(0, own.find('=') + 1));
        });
        result.push_back(own);
    }
    return result;
}

std::vector<std::string> own_environment(const Command& command) {
    std::vector<std::string> result = command.environment;
    for (char** entry = environ; *entry != nullptr; ++entry)
        result.emplace_back(*entry);
    return result;
}

// The tool ignores SIGPIPE and may block others; what it starts must not.
void set_attributes(posix_spawnattr_t& attributes) {
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT})
        sigaddset(&defaults, number);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &none);
    // A session of its own: a group to signal, and no terminal to ask on.
    posix_spawnattr_setflags(
        &attributes,
        static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID));
}

// Passes a requested stop on, first kindly.
class Stopper {
  public:
    Stopper(pid_t child, const StopFlag* stop) : child_(child), stop_(stop) {}

    void look() {
        constexpr std::chrono::seconds patience{5};
        if (!is_stopped(stop_)) return;
        const auto now = std::chrono::steady_clock::now();
        if (!asked_) {
            asked_ = true;
            since_ = now;
            ::kill(-child_, SIGTERM);
        } else if (now - since_ > patience) {
            ::kill(-child_, SIGKILL);
        }
    }

  private:
    pid_t child_;
    const StopFlag* stop_;
    bool asked_ = false;
    std::chrono::steady_clock::time_point since_{};
};

// Reads what is there. False: the other end is closed.
bool read_some(int input, std::string& output) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(input, buffer.data(), buffer.size());
    constexpr std::size_t most_bytes = std::size_t{1} << 20;
    if (got > 0 && output.size() < most_bytes) {
        output.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

// Collects what a child says until it has ended; what it left running in the background is not
// waited for. Returns the status of wait().
int collect(int input, pid_t child, const StopFlag* stop, std::string& output) {
    constexpr int look_every_ms = 50;
    constexpr int end_after_ms = 2;  // who has closed its output ends at once
    running_child = child;
    Stopper stopper(child, stop);
    int status = 0;
    bool open = input >= 0;
    for (;;) {
        stopper.look();
        struct pollfd watched {
            input, POLLIN, 0
        };
        const int ready = ::poll(&watched, open ? 1 : 0, open ? look_every_ms : end_after_ms);
        if (open && ready > 0) {
            open = read_some(input, output);
            continue;
        }
        const pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR)) break;
    }
    running_child = 0;
    // A stop is for all that it started.
    if (is_stopped(stop)) ::kill(-child, SIGKILL);
    return status;
}

int exit_status(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status);
}

// What a program reads, and where it works.
void set_surroundings(Spawn& spawn, const Command& command) {
    if (command.standard_input >= 0) {
        posix_spawn_file_actions_adddup2(&spawn.actions, command.standard_input, STDIN_FILENO);
    } else {
        posix_spawn_file_actions_addopen(&spawn.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    if (!command.directory.empty()) {
        posix_spawn_file_actions_addchdir_np(&spawn.actions, command.directory.c_str());
    }
    set_attributes(spawn.attributes);
}

pid_t start(const Command& command, const Streams& streams, std::vector<std::string> environment) {
    Spawn spawn;
    posix_spawn_file_actions_adddup2(&spawn.actions, streams.output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&spawn.actions, streams.errors, STDERR_FILENO);
    set_surroundings(spawn, command);
    const std::string program = find_program(command.arguments.front());
    std::vector<std::string> arguments = command.arguments;
    if (!command.shown_name.empty()) arguments.front() = command.shown_name;
    pid_t child = 0;
    const int failed =
        program.empty() ? ENOENT
                        : ::posix_spawn(&child, program.c_str(), &spawn.actions, &spawn.attributes,
                                        pointers(arguments).data(), pointers(environment).data());
    if (failed != 0) throw io_error({.file = command.arguments.front()}, "cannot run", failed);
    return child;
}

}  // namespace

std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    const char* const path = std::getenv("PATH");
    std::istringstream directories(std::string(path != nullptr ? path : "/usr/bin:/bin") +
                                   ":/usr/local/sbin:/usr/sbin:/sbin");
    for (std::string directory; std::getline(directories, directory, ':');) {
        std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
        // A directory can be "executed", too.
        struct stat info {};
        if (::stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
            ::access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
    }
    return {};
}

pid_t start_process(const Command& command, const Streams& streams) {
    return start(command, streams, clean_environment(command));
}

int wait_for(pid_t process, const StopFlag* stop) {
    std::string nothing;
    const int status = collect(-1, process, stop, nothing);
    throw_if_stopped(stop);
    return exit_status(status);
}

void stop_process(pid_t process) {
    StopFlag at_once;
    at_once.request();
    std::string nothing;
    collect(-1, process, &at_once, nothing);
}

CommandResult run_command(const Command& command, const StopFlag* stop) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw io_error({.file = command.arguments.front()}, "cannot make a pipe", errno);
    }
    const UniqueFd input(ends[0]);
    UniqueFd output(ends[1]);
    const pid_t child = start_process(command, {output.get(), output.get()});
    output = UniqueFd();
    CommandResult result;
    const int status = collect(input.get(), child, stop, result.output);
    throw_if_stopped(stop);
    result.status = exit_status(status);
    return result;
}

int run_in_place(const Command& command, const World& world) {
    Command child = command;
    child.standard_input = world.input;
    const Streams streams{world.output_fd(), world.errors};
    return wait_for(start(child, streams, own_environment(child)), &world.signals->stop);
}

bool below_fakeroot() noexcept {
    return std::getenv("FAKEROOTKEY") != nullptr;
}

void signal_children(int number) noexcept {
    const pid_t child = running_child;
    if (child > 0) ::kill(-child, number);
}

}  // namespace insitu::apps
