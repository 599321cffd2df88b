// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "insitu/units.hpp"

namespace insitu {

// A pipe or other descriptor that content is written to in order; it stays the caller's. One thread
// at a time. Waiting for the reader of a pipe ends soon after a stop is asked for.
class StreamTarget {
  public:
    StreamTarget(int fd, std::string name, const StopFlag* stop);

    // Throws `io` (EPIPE where nobody reads any more) and `cancelled` Errors.
    void write(ByteView bytes);

  private:
    void wait_for_room() const;

    UniqueFd unblocked_;
    int fd_;
    std::string name_;
    const StopFlag* stop_;
};

}  // namespace insitu
