// SPDX-License-Identifier: GPL-2.0-or-later
#include "nbdkit/shutdown_watch.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "insitu/error.hpp"

namespace insitu::nbd {

namespace {

// That nbdkit ends for.
constexpr std::array stop_signals{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
// Of clients that do not read their replies.
constexpr int patience_ms = 10000;

// For the signal handler. The descriptor stays open as long as the process.
int signalled = -1;
std::array<struct sigaction, stop_signals.size()> nbdkit_actions;

extern "C" void on_shutdown(int number, siginfo_t* info, void* context) {
    const int saved = errno;
    ::eventfd_write(signalled, 1);
    errno = saved;
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
        if (stop_signals[i] != number) continue;
        const struct sigaction& action = nbdkit_actions[i];
        if ((action.sa_flags & SA_SIGINFO) != 0) {
            action.sa_sigaction(number, info, context);
        } else {
            action.sa_handler(number);
        }
    }
}

bool is_handled(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) != 0 ||
           (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

// nbdkit's own handler is called by ours. A signal without one does not end it in order.
void watch_signals() {
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
        struct sigaction& old = nbdkit_actions[i];
        ::sigaction(stop_signals[i], nullptr, &old);
        if (!is_handled(old)) continue;
        struct sigaction action = old;
        action.sa_flags |= SA_SIGINFO;
        action.sa_sigaction = on_shutdown;
        ::sigaction(stop_signals[i], &action, nullptr);
    }
}

// nbdkit may unload the plugin before it ends.
void leave_signals() {
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
        if (is_handled(nbdkit_actions[i]))
            ::sigaction(stop_signals[i], &nbdkit_actions[i], nullptr);
    }
}

// The path or port that a socket is bound to here; empty: another kind, none, or no socket.
std::string local_name(int fd) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
    if (address.ss_family == AF_UNIX) {
        const auto* const name = reinterpret_cast<const sockaddr_un*>(&address);
        // A name without a file begins with a zero byte; that of a file may end with one.
        std::string text(name->sun_path, length - offsetof(sockaddr_un, sun_path));
        while (text.ends_with('\0'))
            text.pop_back();
        return text;
    }
    if (address.ss_family == AF_INET) {
        return std::to_string(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
    }
    if (address.ss_family == AF_INET6) {
        return std::to_string(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
    }
    return {};
}

// A socket option; 0 for what is no socket.
int option_of(int fd, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : 0;
}

}  // namespace

void let_clients_go(const std::string& control_socket, int directions) {
    std::vector<int> connected;
    std::vector<int> unnamed;
    std::vector<std::string> served;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const int fd = std::atoi(entry.path().filename().c_str());
        // No client: what is no socket, and that of syslog(3).
        if (option_of(fd, SO_TYPE) != SOCK_STREAM) continue;
        const std::string name = local_name(fd);
        if (!name.empty() && name == control_socket) continue;
        if (name.empty()) {
            unnamed.push_back(fd);
        } else if (option_of(fd, SO_ACCEPTCONN) != 0) {
            served.push_back(name);
        } else {
            connected.push_back(fd);
        }
    }
    for (const int fd : connected) {
        if (std::find(served.begin(), served.end(), local_name(fd)) != served.end()) {
            ::shutdown(fd, directions);
        }
    }
    if (!served.empty()) return;
    // The one client of nbdkit -s.
    for (const auto* const sockets : {&connected, &unnamed}) {
        for (const int fd : *sockets)
            ::shutdown(fd, directions);
    }
}

void ShutdownWatch::start(std::function<void()> work, std::string control_socket) {
    work_ = std::move(work);
    control_socket_ = std::move(control_socket);
    stopped_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
    signalled = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!stopped_ || signalled < 0) throw io_error({}, "cannot make an event", errno);
    thread_ = std::thread([this] { run(); });
    watch_signals();
}

void ShutdownWatch::run() {
    std::array<pollfd, 2> watched{{{signalled, POLLIN, 0}, {stopped_.get(), POLLIN, 0}}};
    while (::poll(watched.data(), watched.size(), -1) < 0) {
    }
    if (watched[1].revents != 0) return;
    const auto is_over = [&](int wait_ms) { return ::poll(&watched[1], 1, wait_ms) != 0; };
    work_();
    if (!let_go(SHUT_RD, is_over) || is_over(patience_ms)) return;
    let_go(SHUT_RDWR, is_over);
}

// False: nbdkit has ended. Where memory is short, it may be there a little later.
bool ShutdownWatch::let_go(int directions, const std::function<bool(int wait_ms)>& is_over) const {
    constexpr int retry_ms = 100;
    for (;;) {
        try {
            let_clients_go(control_socket_, directions);
            return true;
        } catch (const std::exception&) {
            if (is_over(retry_ms)) return false;
        }
    }
}

void ShutdownWatch::stop() {
    if (!thread_.joinable()) return;
    leave_signals();
    ::eventfd_write(stopped_.get(), 1);
    thread_.join();
}

}  // namespace insitu::nbd
