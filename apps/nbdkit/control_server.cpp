// SPDX-License-Identifier: GPL-2.0-or-later
#include "nbdkit/control_server.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "insitu/error.hpp"

namespace insitu::nbd {

namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw Error(ErrorKind::refused, {.file = path},
                    "the name of a socket has at most 107 bytes");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

UniqueFd make_socket(const std::string& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) throw io_error({.file = path}, "cannot make a socket", errno);
    return fd;
}

// A client that sends or takes nothing must not keep the others waiting.
void limit_waiting(int fd) {
    const timeval patience{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

bool may_ask(int fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == 0 || peer.uid == ::geteuid();
}

std::string read_line(int fd) {
    std::string line;
    std::array<char, 64> buffer{};
    while (line.size() < buffer.size()) {
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got <= 0) break;
        line.append(buffer.data(), static_cast<std::size_t>(got));
        if (const auto end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
    }
    return {};
}

void send_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

}  // namespace

SocketState socket_state(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return SocketState::none;
        throw io_error({.file = path}, "cannot look at it", errno);
    }
    if (!S_ISSOCK(info.st_mode)) return SocketState::other;
    const sockaddr_un address = address_of(path);
    const UniqueFd fd = make_socket(path);
    const int done =
        ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return done != 0 && errno == ECONNREFUSED ? SocketState::stale : SocketState::alive;
}

void ControlServer::open(const std::string& path) {
    const SocketState state = socket_state(path);
    if (state == SocketState::alive || state == SocketState::other) {
        throw Error(ErrorKind::refused, {.file = path},
                    state == SocketState::alive ? "control: another server answers there"
                                                : "control: a file that is not a socket is there");
    }
    if (state == SocketState::stale) ::unlink(path.c_str());
    const sockaddr_un address = address_of(path);
    UniqueFd fd = make_socket(path);
    ::fchmod(fd.get(), S_IRUSR | S_IWUSR);
    constexpr int backlog = 16;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), backlog) != 0) {
        throw io_error({.file = path}, "cannot make a socket", errno);
    }
    path_ = path;
    listener_ = std::move(fd);
}

void ControlServer::start(Answers answers) {
    if (!is_open()) return;
    answers_ = std::move(answers);
    wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
    if (!wake_) throw io_error({.file = path_}, "cannot make an event", errno);
    thread_ = std::thread([this] { run(); });
}

void ControlServer::run() {
    std::array<pollfd, 2> watched{
        {{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}},
    };
    for (;;) {
        if (::poll(watched.data(), watched.size(), -1) < 0) continue;
        if (watched[1].revents != 0) return;
        UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client || !may_ask(client.get())) continue;
        try {
            answer(std::move(client));
        } catch (const std::exception&) {
            // No memory for the answer: the connection is closed without one.
        }
    }
}

void ControlServer::answer(UniqueFd client) {
    limit_waiting(client.get());
    const std::string line = read_line(client.get());
    if (line == "status") {
        send_all(client.get(), answers_.status());
    } else if (line == "flush") {
        send_all(client.get(), answers_.flush() + "\n");
    } else if (line == "wait") {
        constexpr std::size_t most_waiting = 64;
        send_all(client.get(), "waiting\n");
        if (waiting_.size() < most_waiting) waiting_.push_back(std::move(client));
    } else {
        send_all(client.get(), "failed unknown request\n");
    }
}

void ControlServer::stop() {
    if (!thread_.joinable()) return;
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
}

void ControlServer::finish(const std::string& word) {
    if (!is_open()) return;
    stop();
    for (const UniqueFd& client : waiting_)
        send_all(client.get(), word + "\n");
    waiting_.clear();
    listener_ = UniqueFd();
    ::unlink(path_.c_str());
}

}  // namespace insitu::nbd
