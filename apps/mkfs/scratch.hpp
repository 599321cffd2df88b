// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

// A directory for what is made on the way to a target: beside a file, in TMPDIR (or /var/tmp) for a
// device or a stream. Removed with all that it holds, also at a second signal that ends the tool at
// once. What an earlier run for the same target left when it was killed is removed first. One at a
// time.
class Scratch {
  public:
    explicit Scratch(const std::string& target);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string file(const std::string& name) const { return directory_ / name; }
    std::string directory() const { return directory_; }

  private:
    std::filesystem::path directory_;
    UniqueFd lock_;
};

}  // namespace insitu::apps
