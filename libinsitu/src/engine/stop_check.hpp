// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/error.hpp"
#include "insitu/internal/engine/control.hpp"

namespace insitu {

// Throws a `cancelled` Error if a stop was asked for: for work of one thread.
inline void throw_if_stopped(const Control& control) {
    if (control.stop == nullptr || !control.stop->requested()) return;
    throw Error(ErrorKind::cancelled, {}, "stopped before the end");
}

}  // namespace insitu
