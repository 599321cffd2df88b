#pragma once

#include "insitu/engine/control.hpp"
#include "insitu/error.hpp"

namespace insitu {

// Throws a `cancelled` Error if a stop was asked for: for work of one thread.
inline void throw_if_stopped(const Control& control) {
    if (control.stop == nullptr || !control.stop->requested()) return;
    throw Error(ErrorKind::cancelled, {}, "stopped before the end");
}

}  // namespace insitu
