// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "store/nbd_library.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "insitu/error.hpp"
#include "insitu/internal/store/stop_scope.hpp"

namespace insitu {

// The error of the last call to libnbd in this thread.
Error nbd_error(const Place& place, const char* what);

// One connection to an NBD server. For one thread at a time.
class NbdConnection {
  public:
    // Throws an `io` Error, and a `cancelled` one if it is stopped before the server has answered.
    NbdConnection(const std::string& uri, StopScope::Stopped stopped);
    ~NbdConnection() { nbd().close(handle_); }
    NbdConnection(const NbdConnection&) = delete;
    NbdConnection& operator=(const NbdConnection&) = delete;

    // Throws a `cancelled` Error if the connection was given up.
    nbd_handle* get() const;

    // Starts a request, `start(handle)` returns its cookie, and waits until it is done. Throws an
    // `io` Error with this place and text, and a `cancelled` one as wait_for_event() does.
    template <class Start>
    void request(const Place& place, const char* what, Start start) {
        const std::int64_t cookie = start(get());
        if (cookie < 0) throw nbd_error(place, what);
        wait_for(static_cast<std::uint64_t>(cookie), place, what);
    }

    // Waits until something has happened, or for a moment. False: the connection is lost. A server
    // that says nothing is given up soon after a stop: throws a `cancelled` Error, and the
    // connection is closed, so that nothing uses the memory of its requests any more.
    bool wait_for_event();

  private:
    void connect();
    void wait_for(std::uint64_t cookie, const Place& place, const char* what);
    // Whether a stop was requested, and the server had its time since.
    bool is_given_up();

    std::string uri_;
    StopScope::Stopped stopped_;
    std::optional<std::chrono::steady_clock::time_point> stopped_at_;
    nbd_handle* handle_;  // null: given up
};

}  // namespace insitu
