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

// A directory that only its owner may enter, removed with all that it holds.
class TemporaryDirectory {
  public:
    // In the directory `parent`, with a name that begins with `prefix`. Throws an `io` Error.
    TemporaryDirectory(const std::string& parent, const std::string& prefix);
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    const std::string& path() const noexcept { return path_; }

  private:
    std::string path_;
};

}  // namespace insitu::apps
