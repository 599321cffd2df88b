// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach/control_client.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"

namespace insitu::apps {

ControlClient::ControlClient(const std::string& socket, const std::string& request,
                             const StopFlag* stop, std::chrono::seconds patience)
    : path_(socket),
      stop_(stop),
      patience_(patience),
      fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.size() >= sizeof address.sun_path) {
        throw Error(ErrorKind::refused, {.file = socket},
                    "the name of a socket has at most 107 bytes");
    }
    std::memcpy(address.sun_path, socket.data(), socket.size());
    const auto* const name = reinterpret_cast<const sockaddr*>(&address);
    // A server that takes no clients any more keeps them waiting here.
    const timeval longest{patience_.count(), 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
    if (!fd_ || ::connect(fd_.get(), name, sizeof address) != 0) {
        const int code = errno;
        if (code == ECONNREFUSED) {
            throw Error(ErrorKind::io, {.file = socket}, "the server that made this socket is gone",
                        "attach the image again: what it had flushed is recovered", code);
        }
        if (code == EAGAIN) fail_for_lack_of_an_answer();
        throw io_error({.file = socket}, "cannot connect", code);
    }
    const std::string line = request + "\n";
    if (::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(line.size())) {
        throw io_error({.file = socket}, "cannot ask", errno);
    }
}

void ControlClient::fail_for_lack_of_an_answer() const {
    throw Error(ErrorKind::io, {.file = path_},
                fmt::format("the server has not answered for {} s", patience_.count()),
                "it hangs, or its disk does", ETIMEDOUT);
}

void ControlClient::wait_for_answer() const {
    constexpr int look_every_ms = 100;
    pollfd answer{fd_.get(), POLLIN, 0};
    do {
        if (std::chrono::steady_clock::now() - begin_ > patience_) fail_for_lack_of_an_answer();
        if (is_stopped(stop_)) {
            throw Error(ErrorKind::cancelled, {.file = path_}, "stopped before the answer");
        }
    } while (::poll(&answer, 1, look_every_ms) <= 0);
}

bool ControlClient::read_more() {
    constexpr std::size_t most_bytes = std::size_t{1} << 20;
    std::array<char, 4096> part{};
    wait_for_answer();
    const ssize_t got = ::recv(fd_.get(), part.data(), part.size(), 0);
    if (got < 0 && errno != ECONNRESET) throw io_error({.file = path_}, "cannot read", errno);
    if (got <= 0) return false;
    buffer_.append(part.data(), static_cast<std::size_t>(got));
    if (buffer_.size() <= most_bytes) return true;
    throw Error(ErrorKind::refused, {.file = path_}, "no control socket: it does not stop talking");
}

std::string ControlClient::line() {
    for (;;) {
        const auto end = buffer_.find('\n');
        if (end != std::string::npos) {
            std::string result = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return result;
        }
        if (!read_more()) return std::exchange(buffer_, {});
    }
}

std::string ControlClient::rest() {
    while (read_more()) {
    }
    return std::exchange(buffer_, {});
}

bool is_socket(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

}  // namespace insitu::apps
