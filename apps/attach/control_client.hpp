// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string>

#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

// The other side of the plugin's control socket (apps/nbdkit/control_server.hpp). Throws `io`
// Errors; one of ECONNREFUSED or ENOENT: there is no server.
class ControlClient {
  public:
    // Connects and sends a request: "status", "flush" or "wait". A server may take its time: a stop
    // ends the waiting with a `cancelled` Error, and an `io` one of ETIMEDOUT does if the answer
    // is not complete after `patience`.
    ControlClient(const std::string& socket, const std::string& request, const StopFlag* stop,
                  std::chrono::seconds patience = std::chrono::hours{24 * 365});
    // The next line of the answer; empty at its end.
    std::string line();
    // All of it.
    std::string rest();

  private:
    bool read_more();

    void wait_for_answer() const;
    [[noreturn]] void fail_for_lack_of_an_answer() const;

    std::string path_;
    const StopFlag* stop_;
    std::chrono::seconds patience_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    UniqueFd fd_;
    std::string buffer_;
};

bool is_socket(const std::string& path);

}  // namespace insitu::apps
