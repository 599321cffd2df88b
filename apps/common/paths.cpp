// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/paths.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "insitu/error.hpp"
#include "insitu/open_store.hpp"

namespace insitu::apps {

void refuse_same_storage(const std::string& source, const std::string& target, const char* role) {
    if (!same_storage(source, target)) return;
    throw Error(ErrorKind::refused, {.file = target},
                fmt::format("is the same file or device as {} {}", role, source),
                "write to another file, then rename it");
}

unsigned mode_limit_of(const World& world, const std::string& source) {
    constexpr unsigned read_write = 0666;
    struct stat status {};
    const int failed =
        source == "-" ? ::fstat(world.input, &status) : ::stat(source.c_str(), &status);
    // The mode of a pipe says nothing about who may see what comes through it.
    const bool holds_content = S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
    return failed == 0 && holds_content ? status.st_mode & read_write : read_write;
}

}  // namespace insitu::apps
