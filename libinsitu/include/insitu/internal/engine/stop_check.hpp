// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/error.hpp"
#include "insitu/internal/engine/control.hpp"

namespace insitu {

// Whether a stop was requested; without a flag nobody can request one.
inline bool is_stopped(const StopFlag* stop) noexcept {
    return stop != nullptr && stop->requested();
}

[[noreturn]] inline void throw_stopped(const std::string& file = {}) {
    throw Error(ErrorKind::cancelled, {.file = file}, "stopped before the end");
}

// Throws a `cancelled` Error if a stop was requested; `file` is the place that it names.
inline void throw_if_stopped(const StopFlag* stop, const std::string& file = {}) {
    if (is_stopped(stop)) throw_stopped(file);
}
inline void throw_if_stopped(const Control& control, const std::string& file = {}) {
    throw_if_stopped(control.stop, file);
}

}  // namespace insitu
