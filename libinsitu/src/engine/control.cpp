// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/engine/control.hpp"

#include <sched.h>

namespace insitu {

Progress::~Progress() = default;

unsigned available_processors() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    const int count = CPU_COUNT(&set);
    return count > 0 ? static_cast<unsigned>(count) : 1;
}

}  // namespace insitu
