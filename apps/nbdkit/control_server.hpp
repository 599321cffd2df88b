// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::nbd {

// A socket on which other programs ask a running server how it is (control=PATH). One request a
// connection, as a line of text; the user of the server and root may ask:
//
//     status   lines of "key value", and the end of the connection
//     flush    "done", or "failed" and the reason: everything acknowledged is durable, or not
//     wait     "waiting" at once, and nothing more until the server has ended its work, then
//     "closed", or "failed" and the
//              reason. An end without a word: the server was killed
class ControlServer {
  public:
    struct Answers {
        std::function<std::string()> status;
        std::function<std::string()> flush;
    };

    ControlServer() = default;
    ~ControlServer() { stop(); }
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    // Makes the socket, in the place of one that a server which is gone left. Throws `refused` if
    // one answers there, or if it is something else, and `io` Errors.
    void open(const std::string& path);
    bool is_open() const noexcept { return static_cast<bool>(listener_); }
    // Answers from here on, in a thread of its own.
    void start(Answers answers);
    // Answers no more; who waits still waits.
    void stop();
    // The last word to who waits, and the socket is gone.
    void finish(const std::string& word);

  private:
    void run();
    void answer(UniqueFd client);

    std::string path_;
    Answers answers_;
    UniqueFd listener_;
    UniqueFd wake_;
    std::vector<UniqueFd> waiting_;
    std::thread thread_;
};

// What a socket in the file system is.
enum class SocketState {
    none,   // no file has that name
    alive,  // somebody answers
    stale,  // nobody does: its server is gone
    other,  // it is no socket
};
SocketState socket_state(const std::string& path);

}  // namespace insitu::nbd
