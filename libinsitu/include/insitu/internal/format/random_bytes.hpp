// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <system_error>

namespace insitu {

// Fills at most 256 bytes with random numbers of the system. std::random_device would need
// /dev/urandom in some libraries, and a bare chroot has none. Throws std::system_error.
inline void fill_random(std::span<std::byte> bytes) {
    if (getentropy(bytes.data(), bytes.size()) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot get random numbers");
    }
}

}  // namespace insitu
