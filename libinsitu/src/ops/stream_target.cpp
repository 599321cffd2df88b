// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/stream_target.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"

namespace insitu {

namespace {

// A pipe opened once more: whether the caller's own description blocks is not ours to change, other
// processes share it. Signals go to the main thread, so a blocked write of a worker would never
// end.
UniqueFd open_unblocked(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) return {};
    const std::string self = fmt::format("/proc/self/fd/{}", fd);
    return UniqueFd(::open(self.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

}  // namespace

StreamTarget::StreamTarget(int fd, std::string name, const StopFlag* stop)
    : unblocked_(open_unblocked(fd)),
      fd_(unblocked_ ? unblocked_.get() : fd),
      name_(std::move(name)),
      stop_(stop) {}

void StreamTarget::wait_for_room() const {
    constexpr int look_for_stop_ms = 100;
    pollfd waiting{fd_, POLLOUT, 0};
    (void)::poll(&waiting, 1, look_for_stop_ms);
}

void StreamTarget::write(ByteView bytes) {
    while (!bytes.empty()) {
        throw_if_stopped(stop_, name_);
        const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
        if (put >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(put));
        } else if (errno == EAGAIN) {
            wait_for_room();
        } else if (errno != EINTR) {
            throw io_error({.file = name_}, "cannot write", errno);
        }
    }
}

}  // namespace insitu
