// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/stream_target.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/engine/joining_thread.hpp"
#include "support/catch.hpp"

using namespace insitu;

namespace {

struct Pipe {
    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        reader = UniqueFd(ends[0]);
        writer = UniqueFd(ends[1]);
    }
    UniqueFd reader;
    UniqueFd writer;
};

}  // namespace

TEST_CASE("everything arrives in a pipe that fills up, whose flags stay as they are") {
    Pipe pipe;
    const std::vector<std::byte> content(1 << 20, std::byte{'x'});
    std::size_t received = 0;
    JoiningThread reader([&] {
        std::vector<std::byte> buffer(10000);
        for (ssize_t got = 1; got > 0;
             received += static_cast<std::size_t>(std::max<ssize_t>(got, 0)))
            got = ::read(pipe.reader.get(), buffer.data(), buffer.size());
    });
    {
        StreamTarget target(pipe.writer.get(), "pipe", nullptr);
        target.write(content);
        target.write(ByteView(content).first(1));
        CHECK((::fcntl(pipe.writer.get(), F_GETFL) & O_NONBLOCK) == 0);
    }
    pipe.writer = UniqueFd();
    reader.join();
    CHECK(received == content.size() + 1);
}

TEST_CASE("a stop ends the waiting for a reader that does not read") {
    Pipe pipe;
    StopFlag stop;
    const std::vector<std::byte> content(1 << 20);
    JoiningThread stopper([&] {
        // The pipe is full when no room is left in it.
        pollfd room{pipe.writer.get(), POLLOUT, 0};
        while (::poll(&room, 1, 0) == 1)
            std::this_thread::yield();
        stop.request();
    });
    StreamTarget target(pipe.writer.get(), "pipe", &stop);
    try {
        target.write(content);
        FAIL("nobody read it");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::cancelled);
    }
}

TEST_CASE("a pipe that the caller made not to block is waited for") {
    Pipe pipe;
    REQUIRE(::fcntl(pipe.writer.get(), F_SETFL, O_NONBLOCK) == 0);
    const std::vector<std::byte> content(1 << 20);
    JoiningThread reader([&] {
        std::vector<std::byte> buffer(1 << 20);
        for (std::size_t left = content.size(); left > 0;)
            left -= static_cast<std::size_t>(::read(pipe.reader.get(), buffer.data(), left));
    });
    StreamTarget(pipe.writer.get(), "pipe", nullptr).write(content);
}

TEST_CASE("a pipe that nobody reads any more is an EPIPE") {
    const auto old = std::signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    pipe.reader = UniqueFd();
    try {
        StreamTarget(pipe.writer.get(), "pipe", nullptr).write(std::vector<std::byte>(1));
        FAIL("it was written");
    } catch (const Error& error) {
        CHECK(error.os_error() == EPIPE);
    }
    std::signal(SIGPIPE, old);
}
