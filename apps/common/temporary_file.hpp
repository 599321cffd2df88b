// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdio>
#include <memory>
#include <string>

namespace insitu::apps {

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// TMPDIR where it is set.
std::string temporary_directory(const char* otherwise);

// A nameless file in TMPDIR (or /tmp), to be read and written; std::tmpfile() knows no TMPDIR.
// Throws an `io` Error.
File make_temporary_file();

}  // namespace insitu::apps
