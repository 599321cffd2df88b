#include "mkfs/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <sstream>

#include "insitu/error.hpp"
#include "insitu/store/unique_fd.hpp"

namespace insitu::apps {

namespace {

constexpr int signal_base = 128;

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
    for (std::string& text : texts)
        list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

// The tool's own variables, without those that the command sets.
std::vector<std::string> environment_of(const Command& command) {
    std::vector<std::string> result = command.environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        const std::string name = text.substr(0, text.find('=') + 1);
        bool replaced = false;
        for (const std::string& own : command.environment)
            replaced = replaced || own.starts_with(name);
        if (!replaced) result.push_back(text);
    }
    return result;
}

pid_t start(const Command& command, int output) {
    Spawn spawn;
    posix_spawn_file_actions_adddup2(&spawn.actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&spawn.actions, output, STDERR_FILENO);
    if (command.standard_input >= 0) {
        posix_spawn_file_actions_adddup2(&spawn.actions, command.standard_input, STDIN_FILENO);
    } else {
        posix_spawn_file_actions_addopen(&spawn.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    // The tool ignores SIGPIPE; what it starts must not.
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&spawn.attributes, &defaults);
    posix_spawnattr_setflags(&spawn.attributes, POSIX_SPAWN_SETSIGDEF);

    const std::string program = find_program(command.arguments.front());
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::string> environment = environment_of(command);
    pid_t child = 0;
    const int failed =
        program.empty() ? ENOENT
                        : ::posix_spawn(&child, program.c_str(), &spawn.actions, &spawn.attributes,
                                        pointers(arguments).data(), pointers(environment).data());
    if (failed != 0) throw io_error({.file = command.arguments.front()}, "cannot run", failed);
    return child;
}

// Collects what the program says; ends it where a stop was asked for.
std::string collect(int input, pid_t child, const StopFlag* stop) {
    constexpr int look_for_stop_ms = 100;
    constexpr std::size_t piece_bytes = 4096;
    constexpr std::size_t most_bytes = std::size_t{1} << 20;
    std::string output;
    std::array<char, piece_bytes> piece{};
    bool ended = false;
    for (;;) {
        if (!ended && stop != nullptr && stop->requested()) {
            ::kill(child, SIGTERM);
            ended = true;
        }
        pollfd waiting{input, POLLIN, 0};
        if (::poll(&waiting, 1, look_for_stop_ms) == 0) continue;
        const ssize_t got = ::read(input, piece.data(), piece.size());
        if (got == 0) return output;
        if (got > 0 && output.size() < most_bytes) {
            output.append(piece.data(), static_cast<std::size_t>(got));
        }
        if (got < 0 && errno != EINTR) return output;
    }
}

}  // namespace

std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    const char* const path = std::getenv("PATH");
    std::istringstream directories(std::string(path != nullptr ? path : "/usr/bin:/bin") +
                                   ":/usr/local/sbin:/usr/sbin:/sbin");
    for (std::string directory; std::getline(directories, directory, ':');) {
        std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

CommandResult run_command(const Command& command, const StopFlag* stop) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw io_error({.file = command.arguments.front()}, "cannot make a pipe", errno);
    }
    const UniqueFd input(ends[0]);
    UniqueFd output(ends[1]);
    const pid_t child = start(command, output.get());
    output = UniqueFd();
    CommandResult result;
    result.output = collect(input.get(), child, stop);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (stop != nullptr && stop->requested()) {
        throw Error(ErrorKind::cancelled, {}, "stopped before the end");
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status);
    return result;
}

std::string run_or_throw(const Command& command, const StopFlag* stop) {
    CommandResult result = run_command(command, stop);
    if (result.done()) return std::move(result.output);
    while (result.output.ends_with('\n'))
        result.output.pop_back();
    throw Error(ErrorKind::refused, {.file = command.arguments.front()},
                fmt::format("ended with status {}: {}", result.status,
                            result.output.empty() ? "it said nothing" : result.output));
}

}  // namespace insitu::apps
