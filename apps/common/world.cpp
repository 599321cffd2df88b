// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/world.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace insitu::apps {

namespace {

Signals process_signals;

extern "C" void on_stop_signal(int number) {
    // A second signal does not wait for work that is stuck.
    if (process_signals.stop_signal.exchange(number) != 0) ::_exit(128 + number);
    process_signals.stop.request();
}

extern "C" void on_status_signal(int) {
    process_signals.line_requested = true;
}

void install(int number, void (*handler)(int), int flags) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigaction(number, &action, nullptr);
}

// As under nohup(1).
bool is_ignored(int number) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    return action.sa_handler == SIG_IGN;
}

void install_signal_handlers() {
    // Without SA_RESTART: a read that waits for a pipe ends with EINTR.
    install(SIGINT, on_stop_signal, 0);
    install(SIGTERM, on_stop_signal, 0);
    if (!is_ignored(SIGHUP)) install(SIGHUP, on_stop_signal, 0);
    install(SIGUSR1, on_status_signal, SA_RESTART);
    // A closed stdout is an error of the write that meets it.
    install(SIGPIPE, SIG_IGN, 0);
    // A file beyond the limit of its size is one, too: EFBIG has a message, and its part is
    // removed.
    install(SIGXFSZ, SIG_IGN, 0);
}

// A descriptor that the caller closed must not become a file that is opened here: the report would
// be written into it. What stands there instead fails as a closed one does.
void occupy_closed_descriptors() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) >= 0) continue;
        // The lowest free one is taken, which is this one.
        (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

}  // namespace

void World::say(std::string_view text) const noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(errors, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

World process_world() {
    occupy_closed_descriptors();
    install_signal_handlers();
    return {STDIN_FILENO, stdout, STDERR_FILENO,
            [](const char* name) -> const char* { return std::getenv(name); }, &process_signals};
}

}  // namespace insitu::apps
