// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "insitu/internal/store/write_queue.hpp"

namespace insitu {

// A queue over io_uring for a descriptor that is open for direct writing; places and lengths are
// whole sectors. Keeps the device busy while the next payload is made: 16 writes of up to 128 KiB
// can be under way, from memory of its own (2 MiB). Null where this build or this kernel has no
// io_uring (containers often forbid it).
std::unique_ptr<WriteQueue> make_uring_write_queue(int fd, const std::string& name);

}  // namespace insitu
