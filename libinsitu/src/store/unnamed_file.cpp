// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/unnamed_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "insitu/error.hpp"

namespace insitu {

UniqueFd make_unnamed_file(const std::string& directory) {
    constexpr mode_t private_mode = 0600;
    UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, private_mode));
    if (file) return file;
    // Not every file system knows O_TMPFILE.
    std::string pattern = directory + "/.insitu-XXXXXX";
    file = UniqueFd(::mkostemp(pattern.data(), O_CLOEXEC));
    if (!file) throw io_error({.file = directory}, "cannot create a temporary file", errno);
    ::unlink(pattern.c_str());
    return file;
}

}  // namespace insitu
