// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "store/nbd_library.hpp"

#include <cstdint>
#include <string>

#include "insitu/error.hpp"

namespace insitu {

// One connection to an NBD server. For one thread at a time.
class NbdConnection {
  public:
    // Throws an `io` Error.
    explicit NbdConnection(const std::string& uri);
    ~NbdConnection() { nbd().close(handle_); }
    NbdConnection(const NbdConnection&) = delete;
    NbdConnection& operator=(const NbdConnection&) = delete;

    nbd_handle* get() const noexcept { return handle_; }

  private:
    nbd_handle* handle_;
};

// The error of the last call to libnbd in this thread.
Error nbd_error(const Place& place, const char* what);

}  // namespace insitu
