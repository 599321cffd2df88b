// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz/targets.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace insitu::fuzz {

std::span<const Target> targets() {
    static constexpr std::array<Target, 11> all{{{"super_block", super_block},
                                                 {"window_map", window_map},
                                                 {"payload", payload},
                                                 {"lzo", lzo},
                                                 {"deflate", deflate},
                                                 {"lzo_encode", lzo_encode},
                                                 {"deflate_encode", deflate_encode},
                                                 {"intent", intent},
                                                 {"undo_log", undo_log},
                                                 {"manifest", manifest},
                                                 {"repair", repair}}};
    return all;
}

void require_at(bool holds, const char* promise, const char* file, int line) {
    if (holds) return;
    std::fprintf(stderr, "%s:%d: broken: %s\n", file, line, promise);
    std::abort();
}

}  // namespace insitu::fuzz
