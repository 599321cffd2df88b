// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace insitu {

std::string to_string(const Place& place) {
    std::string position;
    if (place.window) position = fmt::format("window {}", place.window->value);
    if (place.block) {
        position += fmt::format("{}block {}", position.empty() ? "" : ", ", place.block->value);
    }
    if (place.byte) {
        position += position.empty() ? fmt::format("byte {}", *place.byte)
                                     : fmt::format(" (byte {})", *place.byte);
    }
    if (position.empty()) return place.file;
    if (place.file.empty()) return position;
    return place.file + ": " + position;
}

namespace {

std::string full_text(const Place& place, const std::string& text) {
    const std::string where = to_string(place);
    return where.empty() ? text : where + ": " + text;
}

std::string hint_for(int os_error) {
    switch (os_error) {
        case ENOSPC:
            return "free some space on that disk, or choose another";
        case EACCES:
        case EPERM:
            return "this needs the rights of another user, or of root";
        default:
            return {};
    }
}

}  // namespace

Error::Error(ErrorKind kind, const Place& place, const std::string& text, std::string hint,
             int os_error)
    : std::runtime_error(full_text(place, text)),
      kind_(kind),
      place_(place),
      hint_(std::move(hint)),
      os_error_(os_error) {}

Error io_error(const Place& place, const std::string& what, int os_error) {
    const std::string reason = std::generic_category().message(os_error);
    return Error(ErrorKind::io, place, fmt::format("{}: {}", what, reason), hint_for(os_error),
                 os_error);
}

}  // namespace insitu
