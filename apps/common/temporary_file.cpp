// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/temporary_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

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

TemporaryDirectory::TemporaryDirectory(const std::string& parent, const std::string& prefix)
    : path_(parent + "/" + prefix + "XXXXXX") {
    if (::mkdtemp(path_.data()) != nullptr) return;
    throw io_error({.file = path_}, "cannot create a directory", errno);
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code failed;
    // A server that ends may remove its socket at the same time.
    for (int attempt = 0; attempt < 3; ++attempt) {
        std::filesystem::remove_all(path_, failed);
        if (!failed) return;
    }
}

}  // namespace insitu::apps
