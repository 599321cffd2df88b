// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Where something went wrong; the parts that are not known stay empty.
struct Place {
    std::string file;
    std::optional<WindowIndex> window = {};
    std::optional<BlockIndex> block = {};
    std::optional<std::uint64_t> byte = {};  // of the device or file, not of the logical device
};

// "rootfs.img: window 12, block 389 (byte 1613824)"
INSITU_API std::string to_string(const Place& place);

enum class ErrorKind {
    io,         // the system refused a read, a write, an open: os_error() says why
    refused,    // the request makes no sense or would lose something
    damaged,    // the image contradicts its own format
    cancelled,  // a stop was asked for
};

// Every failure of an operation that the library reports. what() is one line, "place: text", lower
// case, without a full stop; hint() is a cure, or empty.
class INSITU_API Error : public std::runtime_error {
  public:
    Error(ErrorKind kind, const Place& place, const std::string& text, std::string hint = {},
          int os_error = 0);

    ErrorKind kind() const noexcept { return kind_; }
    const Place& place() const noexcept { return place_; }
    const std::string& hint() const noexcept { return hint_; }
    // The errno of an `io` error, else 0.
    int os_error() const noexcept { return os_error_; }

  private:
    ErrorKind kind_;
    Place place_;
    std::string hint_;
    int os_error_;
};

// An `io` error whose text is `what` and the meaning of `os_error` (an errno).
INSITU_API Error io_error(const Place& place, const std::string& what, int os_error);

}  // namespace insitu
