// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::nbd {

// nbdkit answers no request after a signal that ends it, but it waits until every client has gone,
// and one that asks for nothing never finds out. There is one watch in a process.
class ShutdownWatch {
  public:
    ShutdownWatch() = default;
    ~ShutdownWatch() { stop(); }
    ShutdownWatch(const ShutdownWatch&) = delete;
    ShutdownWatch& operator=(const ShutdownWatch&) = delete;

    // After nbdkit has set its signal handlers: calls `work` in a thread of its own once a signal
    // has come, and then lets the clients go. Throws an `io` Error.
    void start(std::function<void()> work, std::string control_socket);
    // Ends the thread, after its work; signals are nbdkit's alone again.
    void stop();

  private:
    void run();
    bool let_go(int directions, const std::function<bool(int wait_ms)>& is_over) const;

    std::function<void()> work_;
    std::string control_socket_;
    UniqueFd stopped_;
    std::thread thread_;
};

// Shuts down the connection of each client of nbdkit. SHUT_RD: what it has asked for is still
// answered; SHUT_RDWR: nothing more. Clients are those who have connected to a socket that this
// process listens on, but for the control socket; if there is none, all sockets (nbdkit -s; one
// that it serves through a pipe stays). Does nothing without /proc.
void let_clients_go(const std::string& control_socket, int directions);

}  // namespace insitu::nbd
