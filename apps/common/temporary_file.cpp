// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/temporary_file.hpp"

#include <cerrno>
#include <cstdlib>

#include "insitu/error.hpp"
#include "insitu/internal/store/unnamed_file.hpp"

namespace insitu::apps {

std::string temporary_directory(const char* otherwise) {
    const char* const wanted = std::getenv("TMPDIR");
    return wanted != nullptr && *wanted != '\0' ? wanted : otherwise;
}

File make_temporary_file() {
    const std::string directory = temporary_directory("/tmp");
    UniqueFd fd = make_unnamed_file(directory);
    File file(::fdopen(fd.get(), "w+b"));
    if (!file) throw io_error({.file = directory}, "cannot create a temporary file", errno);
    (void)fd.release();  // the file closes it
    return file;
}

}  // namespace insitu::apps
