#include "common/paths.hpp"

#include <fmt/format.h>

#include "insitu/error.hpp"
#include "insitu/store/open.hpp"

namespace insitu::apps {

void refuse_same_storage(const std::string& source, const std::string& target, const char* role) {
    if (!same_storage(source, target)) return;
    throw Error(ErrorKind::refused, {.file = target},
                fmt::format("is the same file or device as {} {}", role, source),
                "write to another file, then rename it");
}

}  // namespace insitu::apps
