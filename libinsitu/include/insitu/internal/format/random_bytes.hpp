// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>

#include "insitu/error.hpp"

namespace insitu {

// Fills at most 256 bytes with random numbers of the system. std::random_device would need
// /dev/urandom in some libraries, and a bare chroot has none. Throws Error.
inline void fill_random(std::span<std::byte> bytes) {
    if (getentropy(bytes.data(), bytes.size()) != 0) {
        throw io_error({}, "cannot get random numbers", errno);
    }
}

}  // namespace insitu
