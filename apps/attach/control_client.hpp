// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

// The other side of the plugin's control socket (apps/nbdkit/control_server.hpp). Throws `io`
// Errors; one of ECONNREFUSED or ENOENT: there is no server.
class ControlClient {
  public:
    // Connects and sends a request: "status", "flush" or "wait". A server may take its time, or
    // never answer: a stop ends the waiting with a `cancelled` Error.
    ControlClient(const std::string& socket, const std::string& request, const StopFlag* stop);
    // The next line of the answer; empty at its end.
    std::string line();
    // All of it.
    std::string rest();

  private:
    bool read_more();

    void wait_for_answer() const;

    std::string path_;
    const StopFlag* stop_;
    UniqueFd fd_;
    std::string buffer_;
};

bool is_socket(const std::string& path);

}  // namespace insitu::apps
